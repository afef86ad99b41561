#!/usr/bin/python3
"""Makes the letters beside this file anew, with keys that are thrown away: signed by dkimpy and by OpenDKIM, sealed by
dkimpy. `keys` has what the DNS would say of them. Needs python3-dkim, python3-nacl, openssl and opendkim-testmsg."""

import base64
import pathlib
import socket
import struct
import subprocess
import tempfile
import time

import dkim
import nacl.signing

HERE = pathlib.Path(__file__).parent
LETTER = (
    b"From: Anna <anna@signed.test>\r\nTo: al@demo.test\r\nSubject: One  two\r\n"
    b"Date: Sun, 01 Mar 2026 12:00:00 +0000\r\nMessage-ID: <1@signed.test>\r\n\r\n"
    b"A line \r\n.dot\r\n\r\nThe  end\r\n\r\n"
)
FIELDS = [b"from", b"to", b"subject", b"date", b"message-id"]


def rsa(directory, selector, domain, keys):
    path = pathlib.Path(directory) / f"{selector}.{domain}"
    subprocess.run(["openssl", "genrsa", "-traditional", "-out", path, "2048"], check=True, capture_output=True)
    public = subprocess.run(
        ["openssl", "rsa", "-in", path, "-pubout", "-outform", "DER"], check=True, capture_output=True
    ).stdout
    keys.append(f"{selector}._domainkey.{domain} TXT v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}")
    return path


def ed25519(selector, domain, keys):
    key = nacl.signing.SigningKey.generate()
    public = base64.b64encode(bytes(key.verify_key)).decode()
    keys.append(f"{selector}._domainkey.{domain} TXT v=DKIM1; k=ed25519; p={public}")
    return base64.b64encode(bytes(key))


def seal(letter, host, results, domain, key):
    """What a mailing list does: it checks, changes the subject and seals."""
    letter = b"Authentication-Results: " + host + b"; " + results + b"\r\n" + letter
    letter = letter.replace(b"Subject: ", b"Subject: [list] ", 1)
    return b"".join(dkim.arc_sign(letter, b"arc", domain, key, host)) + letter


def milter_sign(directory, key):
    """What OpenDKIM puts in front of the letter when it is asked as a milter."""
    place = pathlib.Path(directory) / "socket"
    config = pathlib.Path(directory) / "opendkim.conf"
    config.write_text(
        f"Domain signed.test\nSelector rsa\nKeyFile {key}\nSocket local:{place}\nMode s\nInternalHosts 0.0.0.0/0\n"
        "SignatureAlgorithm rsa-sha256\nCanonicalization relaxed/relaxed\nRequireSafeKeys no\nBackground no\n"
    )
    server = subprocess.Popen(["opendkim", "-f", "-x", config])
    try:
        while not place.exists():
            time.sleep(0.05)
        link = socket.socket(socket.AF_UNIX)
        link.connect(str(place))

        def tell(command, data, answers=True):
            link.sendall(struct.pack("!I", len(data) + 1) + command + data)
            while answers:
                size = struct.unpack("!I", link.recv(4, socket.MSG_WAITALL))[0]
                answer = link.recv(size, socket.MSG_WAITALL)
                yield answer
                if answer[:1] in b"Oca":
                    return

        def say(command, data):
            return list(tell(command, data))

        say(b"O", struct.pack("!III", 6, 0x1FF, 0))
        say(b"C", b"client.test\x004" + struct.pack("!H", 25) + b"192.0.2.1\x00")
        say(b"H", b"client.test\x00")
        say(b"M", b"<anna@signed.test>\x00")
        say(b"R", b"<al@demo.test>\x00")
        header, body = LETTER.split(b"\r\n\r\n", 1)
        for line in header.split(b"\r\n"):
            name, value = line.split(b": ", 1)
            say(b"L", name + b"\x00" + value + b"\x00")
        say(b"N", b"")
        say(b"B", body)
        for answer in say(b"E", b""):
            if answer[:1] in b"hi":
                name, value = answer[1:].lstrip(b"\x00")[: -1].split(b"\x00", 1)
                if answer[:1] == b"i":
                    name = answer[5:].split(b"\x00", 1)[0]
                    value = answer[5:-1].split(b"\x00", 1)[1]
                value = value.strip().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
                return name + b": " + value + b"\r\n" + LETTER
        raise SystemExit("opendkim did not sign")
    finally:
        server.terminate()
        server.wait()


def main():
    keys = []
    with tempfile.TemporaryDirectory() as directory:
        path = rsa(directory, "rsa", "signed.test", keys)
        key = path.read_bytes()
        for name, how in [("simple", (b"simple", b"simple")), ("relaxed", (b"relaxed", b"relaxed"))]:
            signature = dkim.sign(LETTER, b"rsa", b"signed.test", key, canonicalize=how, include_headers=FIELDS)
            (HERE / f"dkimpy-{name}.eml").write_bytes(signature + LETTER)
        signed = signature + LETTER
        small = ed25519("ed", "signed.test", keys)
        signature = dkim.sign(
            LETTER, b"ed", b"signed.test", small, signature_algorithm=b"ed25519-sha256",
            canonicalize=(b"relaxed", b"relaxed"), include_headers=FIELDS,
        )
        (HERE / "dkimpy-ed25519.eml").write_bytes(signature + LETTER)
        (HERE / "opendkim.eml").write_bytes(milter_sign(directory, path))
        # It signs with SHA-1, which RFC 8301 forbids.
        opened = subprocess.run(
            ["opendkim-testmsg", "-d", "signed.test", "-s", "rsa", "-k", path, "-C"],
            input=LETTER, check=True, capture_output=True,
        ).stdout
        (HERE / "opendkim-sha1.eml").write_bytes(opened)
        lists = rsa(directory, "arc", "list.test", keys).read_bytes()
        other = rsa(directory, "arc", "other.test", keys).read_bytes()
        passed = b"dkim=pass header.d=signed.test; dmarc=pass header.from=signed.test"
        once = seal(signed, b"mx.list.test", passed, b"list.test", lists)
        (HERE / "arc-one.eml").write_bytes(once)
        twice = seal(once, b"mx.other.test", b"arc=pass", b"other.test", other)
        (HERE / "arc-two.eml").write_bytes(twice)
        failed = seal(signed, b"mx.list.test", passed.replace(b"dmarc=pass", b"dmarc=fail"), b"list.test", lists)
        (HERE / "arc-saw-fail.eml").write_bytes(failed)
    (HERE / "keys").write_text("\n".join(keys) + "\n")


main()
