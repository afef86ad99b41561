"""The story (see mod.rs) by IMAPClient."""
import datetime
import os
import ssl
import sys
import threading

import imapclient

port, tls, authority, user, password, letters = sys.argv[1:]
trust = ssl.create_default_context(cafile=authority)


def connect():
    implicit = tls == "implicit"
    imap = imapclient.IMAPClient("localhost", int(port), ssl=implicit, ssl_context=trust if implicit else None, timeout=60)
    if not implicit:
        imap.starttls(trust)
    imap.login(user, password)
    return imap


def letter(number):
    with open(os.path.join(letters, str(number)), "rb") as file:
        return file.read()


def uid_of(number):
    found = imap.search(["HEADER", "X-Rig", str(number), "SUBJECT", f"letter {number}"])
    assert len(found) == 1, f"letter {number}: {found}"
    return found[0]


imap = connect()
for capability in ["IMAP4REV1", "IDLE", "MOVE", "UIDPLUS", "SORT", "THREAD=REFERENCES", "QUOTA", "ENABLE", "ID", "CONDSTORE"]:
    assert imap.has_capability(capability), f"{capability} is missing: {imap.capabilities()}"
answer = imap.id_({"name": "IMAPClient", "version": imapclient.__version__})
assert b"name" in answer[0], answer
assert b"CONDSTORE" in imap.enable("CONDSTORE")
assert imap.namespace().personal == (("", "/"),)

# What is there, whole.
opened = imap.select_folder("INBOX")
assert opened[b"EXISTS"] == 6 and opened[b"UIDNEXT"] == 7 and opened[b"HIGHESTMODSEQ"] > 0, opened
everything = imap.fetch(range(1, 7), ["ENVELOPE", "RFC822.SIZE", "INTERNALDATE", "BODYSTRUCTURE", "BODY.PEEK[]", "MODSEQ"])
assert len(everything) == 6
for uid, held in everything.items():
    assert held[b"ENVELOPE"].subject == f"letter {uid}".encode()
    assert held[b"ENVELOPE"].message_id == f"<{uid}.rig@demo.test>".encode()
    assert held[b"BODY[]"] == letter(uid), f"letter {uid} is not what was sent"
    assert held[b"RFC822.SIZE"] == len(letter(uid))
    assert held[b"BODYSTRUCTURE"][:2] == (b"text", b"plain"), held[b"BODYSTRUCTURE"]

# Flags and a keyword, and what changed since.
before = opened[b"HIGHESTMODSEQ"]
imap.add_flags(uid_of(1), [imapclient.FLAGGED, "$Forwarded"])
imap.set_flags(uid_of(6), [imapclient.ANSWERED])
imap.remove_flags(uid_of(6), [imapclient.ANSWERED])
changed = imap.fetch(range(1, 7), ["FLAGS"], [f"CHANGEDSINCE {before}"])
assert set(changed) == {1, 6}, changed
assert set(changed[1][b"FLAGS"]) >= {b"\\Flagged", b"$Forwarded"}, changed
assert imap.search(["FLAGGED", "KEYWORD", "$Forwarded"]) == [1]

# Folders: known by what they are for, made, renamed, subscribed, removed.
special = [imap.find_special_folder(use) for use in [b"\\Sent", b"\\Drafts", b"\\Trash", b"\\Junk"]]
assert None not in special and len(set(special)) == 4, special
imap.create_folder("Work")
imap.create_folder("Passing/Žurnāls")
assert any(name == "Passing/Žurnāls" for _, _, name in imap.list_folders())
imap.rename_folder("Passing/Žurnāls", "Passing/second")
imap.subscribe_folder("Work")
assert any(name == "Work" for _, _, name in imap.list_sub_folders())
imap.delete_folder("Passing/second")
imap.delete_folder("Passing")

# Letters: moved, copied, deleted, put there.
imap.move(uid_of(3), "Work")
imap.copy(uid_of(4), "Work")
gone = uid_of(5)
imap.delete_messages(gone)
imap.uid_expunge([gone])
date = datetime.datetime(1996, 7, 17, 2, 44, 25, tzinfo=datetime.timezone.utc)
imap.append("INBOX", letter(7), [imapclient.SEEN], date)
held = imap.fetch(uid_of(7), ["INTERNALDATE", "FLAGS"])[uid_of(7)]
assert held[b"INTERNALDATE"].astimezone(datetime.timezone.utc).replace(tzinfo=None) == date.replace(tzinfo=None), held
status = imap.folder_status("Work", ["MESSAGES", "UIDNEXT", "UNSEEN", "HIGHESTMODSEQ"])
assert status[b"MESSAGES"] == 2 and status[b"UIDNEXT"] == 3 and status[b"UNSEEN"] == 2, status

# Found by words in UTF-8, in an order, in threads.
found = imap.search(["TEXT", "rūķītis ķēra"], charset="UTF-8")
assert found == [1, 2, 4, 6, 7], found
assert imap.sort(["REVERSE SUBJECT"], ["ALL"]) == [7, 6, 4, 2, 1]
assert imap.sort(["ARRIVAL"], ["UNSEEN"]) == [1, 2, 4, 6]
assert sorted(imap.thread("REFERENCES")) == [(1,), (2,), (4,), (6,), (7,)]
quotas = imap.get_quota_root("INBOX")[1]
assert any(quota.resource == "STORAGE" and quota.limit > quota.usage for quota in quotas), quotas


# Told by IDLE what somebody else puts there, flags and deletes.
def put():
    with connect() as other:
        other.append("INBOX", letter(8))
        other.select_folder("INBOX")
        other.add_flags(2, [imapclient.FLAGGED])
        other.remove_flags(2, [imapclient.FLAGGED])


imap.noop()
imap.idle()
giver = threading.Thread(target=put)
giver.start()
told = []
while (6, b"EXISTS") not in told or not any(line[1] == b"FETCH" for line in told):
    heard = imap.idle_check(timeout=60)
    assert heard, f"nothing more is told behind {told}"
    told += heard
giver.join()
imap.idle_done()
assert uid_of(8) == 8

imap.close_folder()
imap.logout()
