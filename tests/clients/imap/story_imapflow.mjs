// The story (see mod.rs) by imapflow, with whatever it asks of a server by itself: ID, NAMESPACE, COMPRESS, ENABLE.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const [port, tls, authority, user, password, letters] = process.argv.slice(2);
// Where tests/install-clients.sh has put it.
const { ImapFlow } = createRequire(path.join(process.env.IMAPFLOW, 'package.json'))('imapflow');

const letter = (number) => readFileSync(path.join(letters, String(number)));

async function connected(options = {}) {
    const client = new ImapFlow({
        host: 'localhost',
        port: Number(port),
        secure: tls === 'implicit',
        doSTARTTLS: tls !== 'implicit',
        tls: { ca: readFileSync(authority) },
        auth: { user, pass: password },
        logger: false,
        ...options,
    });
    client.on('error', (error) => {
        throw error;
    });
    await client.connect();
    return client;
}

async function all(iterator) {
    const found = [];
    for await (const item of iterator) {
        found.push(item);
    }
    return found;
}

const client = await connected({ qresync: true });
for (const capability of ['IMAP4rev1', 'IDLE', 'MOVE', 'UIDPLUS', 'CONDSTORE', 'NAMESPACE', 'ID', 'COMPRESS=DEFLATE', 'QUOTA']) {
    assert(client.capabilities.has(capability), `${capability} is missing`);
}
assert(client._deflate && client._inflate, 'no COMPRESS');
assert(client.serverInfo.name, 'no ID');
assert(client.enabled.has('CONDSTORE') || client.enabled.has('QRESYNC'), 'no ENABLE');
assert.equal(client.namespace.delimiter, '/');

const uidOf = async (number) => {
    const found = await client.search({ header: { 'X-Rig': String(number) }, subject: `letter ${number}` }, { uid: true });
    assert.equal(found.length, 1, `letter ${number}: ${found}`);
    return found[0];
};

// What is there, whole.
const opened = await client.mailboxOpen('INBOX');
assert.equal(opened.exists, 6);
// What it gives is kept up to date.
const begun = opened.highestModseq;
assert(begun > 0n && opened.uidValidity > 0n);
assert(opened.permanentFlags.has('\\*'), 'no new keywords');
const parts = { uid: true, flags: true, envelope: true, bodyStructure: true, internalDate: true, size: true, source: true };
const before = await all(client.fetch('1:*', parts));
assert.equal(before.length, 6);
for (const held of before) {
    const sent = letter(held.uid);
    assert(held.source.equals(sent), `letter ${held.uid} is not what was sent`);
    assert.equal(held.size, sent.length);
    assert.equal(held.envelope.subject, `letter ${held.uid}`);
    assert.equal(held.bodyStructure.type, 'text/plain');
    assert(held.modseq > 0n);
}

// Flags and a keyword, and what changed since.
await client.messageFlagsAdd(await uidOf(1), ['\\Flagged', '$Forwarded'], { uid: true });
await client.messageFlagsSet(await uidOf(6), ['\\Answered'], { uid: true });
await client.messageFlagsRemove(await uidOf(6), ['\\Answered'], { uid: true });
const changed = await all(client.fetch('1:*', { uid: true, flags: true }, { changedSince: begun }));
assert.deepEqual(changed.map((held) => held.uid).sort(), [1, 6]);
assert(changed.find((held) => held.uid === 1).flags.has('$Forwarded'));
assert.deepEqual(await client.search({ flagged: true, keyword: '$Forwarded' }), [1]);

// Folders: known by what they are for, made, renamed, subscribed, removed.
const uses = new Set((await client.list()).map((folder) => folder.specialUse));
for (const use of ['\\Inbox', '\\Sent', '\\Drafts', '\\Trash', '\\Junk', '\\Archive']) {
    assert(uses.has(use), `no folder is ${use}`);
}
assert.equal((await client.mailboxCreate('Work')).created, true);
assert.equal((await client.mailboxCreate('Work')).created, false);
await client.mailboxCreate(['Passing', 'Žurnāls']);
assert((await client.list()).some((folder) => folder.path === 'Passing/Žurnāls'));
await client.mailboxRename('Passing/Žurnāls', ['Passing', 'second']);
await client.mailboxSubscribe('Work');
await client.mailboxDelete('Passing/second');
await client.mailboxDelete('Passing');
const folders = await client.list({ statusQuery: { messages: true, unseen: true } });
assert(folders.find((folder) => folder.path === 'Work').subscribed);
assert.equal(folders.find((folder) => folder.specialUse === '\\Inbox').status.messages, 6);
assert(!folders.some((folder) => folder.path.startsWith('Passing')));

// Letters: moved, copied, deleted, put there.
await client.mailboxOpen('INBOX');
const moved = await client.messageMove(await uidOf(3), 'Work', { uid: true });
assert.equal(moved.uidMap.get(3), 1);
const copied = await client.messageCopy(await uidOf(4), 'Work', { uid: true });
assert.equal(copied.uidMap.get(4), 2);
await client.messageDelete(await uidOf(5), { uid: true });
const put = await client.append('INBOX', letter(7), ['\\Seen'], new Date('1996-07-17T02:44:25-07:00'));
assert.equal(put.uid, 7);
const seventh = await client.fetchOne(7, { internalDate: true, flags: true }, { uid: true });
assert.equal(new Date(seventh.internalDate).toISOString(), '1996-07-17T09:44:25.000Z');
const status = await client.status('Work', { messages: true, uidNext: true, unseen: true, highestModseq: true });
assert.equal(status.messages, 2);
assert.equal(status.uidNext, 3);
assert.equal(status.unseen, 2);

// Found by words in UTF-8.
assert.deepEqual(await client.search({ text: 'rūķītis ķēra' }, { uid: true }), [1, 2, 4, 6, 7]);
const quota = await client.getQuota('INBOX');
assert(quota.storage.limit > quota.storage.usage);

// An attachment, found in the structure and taken alone, its encoding undone.
const attached = Buffer.from('Klusā daba ar rutku.\0\x01\x02'.repeat(4000));
const boundary = 'a boundary';
const letterWithIt = [
    'From: <bob@demo.test>', 'Subject: attached', 'MIME-Version: 1.0',
    `Content-Type: multipart/mixed; boundary="${boundary}"`, '', `--${boundary}`, 'Content-Type: text/plain', '', 'see there',
    `--${boundary}`, 'Content-Type: application/octet-stream; name="rutks.bin"', 'Content-Transfer-Encoding: base64',
    'Content-Disposition: attachment; filename="rutks.bin"', '', attached.toString('base64').replace(/.{76}/g, '$&\r\n'),
    `--${boundary}--`, '',
].join('\r\n');
await client.mailboxCreate('Passing');
const there = await client.append('Passing', letterWithIt);
await client.mailboxOpen('Passing');
const { bodyStructure } = await client.fetchOne(there.uid, { bodyStructure: true }, { uid: true });
assert.equal(bodyStructure.childNodes[1].dispositionParameters.filename, 'rutks.bin');
const { meta, content } = await client.download(there.uid, bodyStructure.childNodes[1].part, { uid: true, chunkSize: 10_000 });
const taken = createHash('sha256');
for await (const chunk of content) {
    taken.update(chunk);
}
assert.equal(meta.filename, 'rutks.bin');
assert.equal(taken.digest('hex'), createHash('sha256').update(attached).digest('hex'), 'the attachment is another');
await client.mailboxClose();
await client.mailboxDelete('Passing');

// Told by IDLE what somebody else does: letters, a flag, a deletion.
await client.mailboxOpen('INBOX');
const told = (kind, which) =>
    new Promise((resolve) => {
        const hear = (event) => {
            if (which(event)) {
                client.off(kind, hear);
                resolve(event);
            }
        };
        client.on(kind, hear);
    });
const idling = client.idle();
const other = await connected();
const sixth = told('exists', (event) => event.count === 6);
await other.append('INBOX', letter(8));
assert.equal((await sixth).prevCount, 5);
const seventhThere = told('exists', (event) => event.count === 7);
const ninth = await other.append('INBOX', letter(1));
await seventhThere;
const flagged = told('flags', (event) => event.flags.has('\\Flagged') && event.seq === 2);
await other.mailboxOpen('INBOX');
await other.messageFlagsAdd(2, ['\\Flagged'], { uid: true });
await flagged;
const plain = told('flags', (event) => !event.flags.has('\\Flagged') && event.seq === 2);
await other.messageFlagsRemove(2, ['\\Flagged'], { uid: true });
await plain;
const gone = told('expunge', () => true);
await other.messageDelete(ninth.uid, { uid: true });
await gone;
await other.logout();
// Any other command ends IDLE.
await client.noop();
await idling;
assert.equal(await uidOf(8), 8);
await client.logout();
