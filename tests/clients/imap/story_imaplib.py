"""The story (see mod.rs) by Python's imaplib."""
import imaplib
import os
import re
import ssl
import sys
import threading

port, tls, authority, user, password, letters = sys.argv[1:]
trust = ssl.create_default_context(cafile=authority)


def connect():
    if tls == "implicit":
        imap = imaplib.IMAP4_SSL("localhost", int(port), ssl_context=trust, timeout=60)
    else:
        imap = imaplib.IMAP4("localhost", int(port), timeout=60)
        imap.starttls(ssl_context=trust)
    return imap


def ok(answer):
    kind, data = answer
    assert kind == "OK", f"{kind}: {data}"
    return data


def letter(number):
    with open(os.path.join(letters, str(number)), "rb") as file:
        return file.read()


def uid_of(number):
    """By the server's own search."""
    found = ok(imap.uid("SEARCH", None, "HEADER", "X-Rig", str(number), "SUBJECT", f'"letter {number}"'))[0].split()
    assert len(found) == 1, f"letter {number}: {found}"
    return found[0].decode()


imap = connect()
if tls == "implicit":
    imap.login(user, password)
else:
    assert "AUTH=PLAIN" in imap.capabilities, imap.capabilities
    ok(imap.authenticate("PLAIN", lambda challenge: f"\0{user}\0{password}".encode()))
# What may be done has changed, and is asked for anew.
capabilities = ok(imap.capability())[0].decode().split()
for capability in ["IMAP4rev1", "IDLE", "MOVE", "UIDPLUS", "SORT", "THREAD=REFERENCES", "QUOTA", "NAMESPACE"]:
    assert capability in capabilities, f"{capability} is missing: {capabilities}"
assert ok(imap.namespace())[0].startswith(b'(("" "/")) NIL NIL')

# What is there, whole.
assert ok(imap.select("INBOX")) == [b"6"]
assert imap.response("UIDVALIDITY")[1][0].isdigit()
answer = ok(imap.fetch("2", "(UID RFC822.SIZE INTERNALDATE FLAGS BODY.PEEK[])"))
size = int(re.search(rb"RFC822.SIZE (\d+)", answer[0][0])[1])
assert answer[0][1] == letter(2) and size == len(letter(2)), "letter 2 is not what was sent"
for number, part in enumerate(ok(imap.fetch("1:*", "(ENVELOPE)")), 1):
    assert f'"letter {number}"'.encode() in part, part
part = ok(imap.fetch("1", "(BODY.PEEK[TEXT]<0.3>)"))
assert part[0][1] == b".\r\n", part

# Flags and a keyword.
ok(imap.uid("STORE", uid_of(1), "+FLAGS", "(\\Flagged $Forwarded)"))
ok(imap.uid("STORE", uid_of(6), "FLAGS", "(\\Answered)"))
ok(imap.uid("STORE", uid_of(6), "-FLAGS", "(\\Answered)"))
assert ok(imap.search(None, "FLAGGED", "KEYWORD", "$Forwarded")) == [b"1"]

# Folders: made, renamed, subscribed, removed.
ok(imap.create("Work"))
ok(imap.create("Passing/&AX0-urn&AQE-ls"))
ok(imap.rename("Passing/&AX0-urn&AQE-ls", "Passing/second"))
ok(imap.subscribe("Work"))
subscribed = [line for line in ok(imap.lsub()) if line is not None]
assert any(line.endswith(b"Work") or line.endswith(b'"Work"') for line in subscribed), subscribed
ok(imap.delete("Passing/second"))
ok(imap.delete("Passing"))
names = b" ".join(ok(imap.list('""', "*")))
assert b"Passing" not in names and b"\\Sent" in names and b"\\Trash" in names, names

# With names in UTF-8 where the server has that.
if "UTF8=ACCEPT" in capabilities:
    other = connect()
    other.login(user, password)
    ok(other.enable("UTF8=ACCEPT"))
    ok(other.create('"Jūrmala"'))
    assert '"Jūrmala"' in b" ".join(ok(other.list())).decode()
    ok(other.delete('"Jūrmala"'))
    other.logout()
# Letters: moved, copied, deleted, put there.
ok(imap.uid("MOVE", uid_of(3), "Work"))
ok(imap.uid("COPY", uid_of(4), "Work"))
ok(imap.uid("STORE", uid_of(5), "+FLAGS.SILENT", "(\\Deleted)"))
ok(imap.expunge())
ok(imap.append("INBOX", "(\\Seen)", '"17-Jul-1996 02:44:25 -0700"', letter(7)))
assert b'"17-Jul-1996 ' in ok(imap.uid("FETCH", uid_of(7), "(INTERNALDATE)"))[0]
status = ok(imap.status("Work", "(MESSAGES UIDNEXT UNSEEN UIDVALIDITY)"))[0]
assert b"MESSAGES 2" in status and b"UIDNEXT 3" in status and b"UNSEEN 2" in status, status

# Found by words in UTF-8, in an order, in threads.
imap.literal = "rūķītis ķēra".encode()
found = ok(imap.uid("SEARCH", "CHARSET", "UTF-8", "TEXT"))[0].split()
assert len(found) == 5, found
assert ok(imap.sort("(REVERSE SUBJECT)", "UTF-8", "ALL"))[0].split() == [b"5", b"4", b"3", b"2", b"1"]
assert ok(imap.thread("REFERENCES", "UTF-8", "ALL"))[0].count(b"(") == 5
assert b"STORAGE" in ok(imap.getquotaroot("INBOX"))[1][0]

# Told by IDLE what somebody else puts there (imaplib has no word for it before Python 3.14).
tag = imap._new_tag()
imap.send(tag + b" IDLE\r\n")
assert imap.readline().startswith(b"+")


def put():
    other = connect()
    other.login(user, password)
    ok(other.append("INBOX", None, None, letter(8)))
    other.logout()


giver = threading.Thread(target=put)
giver.start()
while imap.readline() != b"* 6 EXISTS\r\n":
    pass
imap.send(b"DONE\r\n")
while not (line := imap.readline()).startswith(tag):
    assert line, "the connection broke"
assert line.startswith(tag + b" OK"), line
giver.join()
assert uid_of(8) == "8"

ok(imap.close())
assert imap.logout()[0] == "BYE"
