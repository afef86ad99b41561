"""A second view of an account, by Python's imaplib: what a test puts there, changes behind a program's back, and what
is there when the program has ended.

second.py PORT AUTHORITY USER PASSWORD COMMAND ARGUMENT...
    show DIRECTORY            all folders and letters as JSON, the letters' octets as files in DIRECTORY
    append FOLDER FILE...     each file is a letter
    create FOLDER...
    store FOLDER +FLAGS FLAG ID...
    delete FOLDER ID...
ID is the number in a letter's X-Rig field.
"""
import imaplib
import json
import os
import re
import socket
import ssl
import sys

# Whole letters come in one answer.
imaplib._MAXLINE = 100_000_000


def ok(answer):
    kind, data = answer
    if kind != "OK":
        raise SystemExit(f"{kind}: {data}")
    return data


def letters(imap):
    """UID, flags and octets of each letter of the open folder."""
    found = []
    for part in ok(imap.uid("FETCH", "1:*", "(UID FLAGS BODY.PEEK[])")):
        if isinstance(part, tuple):
            found.append([part[0], part[1]])
        elif found and part is not None:
            # What stands behind the literal.
            found[-1][0] += part
    for text, octets in found:
        uid = int(re.search(rb"UID (\d+)", text)[1])
        flags = re.search(rb"FLAGS \(([^)]*)\)", text)[1].decode().split()
        yield uid, sorted(flag for flag in flags if flag != "\\Recent"), octets


def rig_id(octets):
    field = re.search(rb"^X-Rig: (\d+)\r$", octets, re.MULTILINE)
    return int(field[1]) if field else None


def uids(imap, ids):
    wanted = {int(number) for number in ids}
    found = [str(uid) for uid, _, octets in letters(imap) if rig_id(octets) in wanted]
    assert len(found) == len(wanted), f"{found} for {wanted}"
    return ",".join(found)


def show(imap, directory):
    folders = {}
    for line in ok(imap.list()):
        attributes, name = re.fullmatch(r'\(([^)]*)\) (?:"."|NIL) (.*)', line.decode()).groups()
        quoted = name if name.startswith('"') else f'"{name}"'
        name = name.strip('"')
        if "\\noselect" in attributes.lower() or "\\nonexistent" in attributes.lower():
            continue
        ok(imap.select(quoted, readonly=True))
        held = []
        for uid, flags, octets in letters(imap):
            path = os.path.join(directory, f"{len(folders)}-{uid}")
            with open(path, "wb") as file:
                file.write(octets)
            held.append({"uid": uid, "flags": flags, "id": rig_id(octets), "file": path})
        folders[name] = {"letters": held}
    print(json.dumps(folders))


def main():
    port, authority, user, password, command, *arguments = sys.argv[1:]
    trust = ssl.create_default_context(cafile=authority)
    with imaplib.IMAP4_SSL("localhost", int(port), ssl_context=trust, timeout=60) as imap:
        # It sends a letter and the line's end one by one, and would wait between them.
        imap.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        imap.login(user, password)
        if command == "show":
            show(imap, *arguments)
        elif command == "append":
            for path in arguments[1:]:
                with open(path, "rb") as file:
                    ok(imap.append(arguments[0], None, None, file.read()))
        elif command == "create":
            for name in arguments:
                ok(imap.create(name))
        elif command == "store":
            ok(imap.select(arguments[0]))
            ok(imap.uid("STORE", uids(imap, arguments[3:]), arguments[1], f"({arguments[2]})"))
        elif command == "delete":
            ok(imap.select(arguments[0]))
            gone = uids(imap, arguments[1:])
            ok(imap.uid("STORE", gone, "+FLAGS.SILENT", "(\\Deleted)"))
            ok(imap.uid("EXPUNGE", gone))
        else:
            raise SystemExit(f"no such command: {command}")


main()
