//! Signatures, verified by dkimpy, by OpenDKIM and by what Postern itself verifies with.

use std::fs;
use std::path::Path;

use mail_auth::{AuthenticatedMessage, DkimResult};
use postern::courier::seal::Seal as _;
use postern::signing::end_of_text;
use postern_model::Timestamp;
use postern_model::record::{MailTerms, Origin, Queued};

use super::{World, letters, run, tools};

/// Letters from `tests/odd-mime`, which were collected for another purpose, with their lines ended by CRLF alone.
fn odd_letters() -> Vec<(String, Vec<u8>)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/odd-mime");
    let entries = fs::read_dir(dir).expect("the odd letters lie in tests/odd-mime");
    let paths = entries.map(|entry| entry.expect("a directory can be read").path());
    let letters = paths.filter(|path| path.extension().is_some_and(|extension| extension == "eml"));
    letters
        .map(|path| {
            let name = path.file_stem().expect("a name").to_string_lossy();
            (format!("odd {name}"), fs::read(&path).expect("a letter can be read"))
        })
        .collect()
}

fn all_letters() -> Vec<(String, Vec<u8>)> {
    letters().into_iter().map(|(name, letter)| (name.to_owned(), letter)).collect()
}

async fn signed(world: &World, letters: Vec<(String, Vec<u8>)>) -> Vec<(String, Vec<u8>)> {
    let mut signed = Vec::new();
    for (name, letter) in letters {
        let letter = world.signed("ours.test", &letter).await;
        signed.push((name, letter));
    }
    signed.sort();
    signed
}

#[test]
fn both_signatures_are_verified_by_what_postern_verifies_with() {
    run(async {
        let world = World::new(&["ours.test"]).await;
        for (name, letter) in signed(&world, all_letters()).await {
            let parsed = AuthenticatedMessage::parse(&letter[..end_of_text(&letter)]).expect("a letter");
            let found = world.records.dkim(&parsed).await;
            let ours = &found[..2];
            assert!(ours.iter().all(|one| *one.result() == DkimResult::Pass), "{name}: {found:?}");
        }
    });
}

#[test]
fn both_signatures_are_verified_by_dkimpy() {
    let home = tempfile::tempdir().expect("a directory");
    if !tools::have_dkimpy(home.path()) {
        return;
    }
    run(async {
        let world = World::new(&["ours.test"]).await;
        let mut letters = signed(&world, all_letters()).await;
        // dkimpy wants a From, and takes a bare LF for a line's end, as a server must not.
        let odd = odd_letters().into_iter().filter(|(_, letter)| is_mail(letter)).collect();
        letters.extend(signed(&world, odd).await);
        letters.sort();
        let told = tools::dkimpy(home.path(), &world.records, &letters);
        assert_eq!(told.len(), letters.len());
        let wrong: Vec<&String> = told.iter().filter(|line| !line.contains(": true true")).collect();
        assert!(wrong.is_empty(), "{} of {} are not verified: {wrong:#?}", wrong.len(), told.len());
    });
}

/// A letter as SMTP carries one, whose header has one author and fields alone: dkimpy reads no other.
fn is_mail(letter: &[u8]) -> bool {
    let bare = |n: usize| {
        (letter[n] == b'\n' && (n == 0 || letter[n - 1] != b'\r'))
            || (letter[n] == b'\r' && letter.get(n + 1) != Some(&b'\n'))
    };
    let lines = letter.split(|octet| *octet == b'\n').take_while(|line| line.len() > 1);
    let (mut froms, mut fields) = (0, 0);
    for line in lines {
        let folded = line.starts_with(b" ") || line.starts_with(b"\t");
        let name = line.split(|octet| *octet == b':').next().unwrap_or_default();
        let good = if folded { fields > 0 } else { is_name(name) && name.len() < line.len() };
        if !good {
            return false;
        }
        fields += usize::from(!folded);
        froms += usize::from(name.eq_ignore_ascii_case(b"from"));
    }
    froms == 1 && !(0..letter.len()).any(bare)
}

fn is_name(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(|octet| octet.is_ascii_alphanumeric() || *octet == b'-')
}

#[test]
fn both_signatures_are_verified_by_opendkim() {
    if !tools::have_opendkim() {
        return;
    }
    let home = tempfile::tempdir().expect("a directory");
    run(async {
        let world = World::new(&["ours.test"]).await;
        for (name, letter) in signed(&world, all_letters()).await {
            // Its test mode gives up on a line that is longer than its buffer, or that does not end.
            if name == "longer lines" || !letter.ends_with(b"\r\n") {
                continue;
            }
            let told = tools::opendkim(home.path(), &world.records, &letter);
            let passed = told.matches("dkim=pass").count();
            assert_eq!(passed, 2, "{name}: {told}");
        }
    });
}

#[test]
fn what_is_changed_behind_a_signature_breaks_it() {
    run(async {
        let world = World::new(&["ours.test"]).await;
        let letter = world.signed("ours.test", &letters()[0].1).await;
        let text = String::from_utf8(letter).expect("ASCII");
        let (fields, own) = text.split_at(text.find("From: Alice").expect("the letter's own fields"));
        let changes = [
            own.replace("Tea", "Coffee"),
            own.replace("Four", "Five"),
            // None that was there or could be there may be added (RFC 6376 §8.15).
            format!("From: eve@evil.test\r\n{own}"),
            format!("Reply-To: eve@evil.test\r\n{own}"),
            format!("Content-Type: text/html\r\n{own}"),
            own.replace("o'clock?\r\n", "o'clock?\r\nAnd bring money.\r\n"),
        ];
        for changed in changes {
            let letter = format!("{fields}{changed}").into_bytes();
            let parsed = AuthenticatedMessage::parse(&letter).expect("a letter");
            let found = world.records.dkim(&parsed).await;
            assert_eq!(found.len(), 2);
            assert!(found.iter().all(|one| *one.result() != DkimResult::Pass), "{changed}");
        }
        let untouched = format!("{fields}X-Filter: ok\r\n{own}\r\n\r\n").into_bytes();
        let parsed = AuthenticatedMessage::parse(&untouched).expect("a letter");
        let found = world.records.dkim(&parsed).await;
        assert!(
            found.iter().all(|one| *one.result() == DkimResult::Pass),
            "trace and blank lines may be added"
        );
    });
}

fn envelope(origin: Origin) -> Queued {
    Queued {
        mail_from: "alice@ours.test".into(),
        sender: None,
        accepted: Timestamp(1),
        size: 1,
        origin,
        terms: MailTerms::default(),
        front: Vec::new(),
    }
}

#[test]
fn the_authors_domain_signs_and_nobody_else() {
    run(async {
        let world = World::new(&["ours.test", "also.test"]).await;
        let signature = |origin, letter: &'static str| {
            let signer = &world.signer;
            async move {
                let fields = signer.signature(&envelope(origin), letter.as_bytes()).await;
                String::from_utf8(fields).expect("ASCII")
            }
        };
        for origin in [Origin::Submitted, Origin::Own] {
            let fields = signature(origin, "From: A <a@Also.Test>\r\n\r\nx\r\n").await;
            assert_eq!(fields.matches("d=also.test;").count(), 2, "{fields}");
            let algorithms: Vec<_> = fields.match_indices("a=").map(|(at, _)| &fields[at..at + 5]).collect();
            assert_eq!(algorithms[0], "a=rsa", "the topmost is the one that all can verify");
            assert!(fields.ends_with("\r\n") && !fields.contains("l="), "{fields}");
            assert!(fields.lines().all(|line| line.len() <= 78), "{fields}");
        }
        for none in [
            "From: a@else.test\r\n\r\nx\r\n",
            "From: a@sub.ours.test\r\n\r\nx\r\n",
            "From: a@ours.test, b@else.test\r\n\r\nx\r\n",
            "Subject: nobody's\r\n\r\nx\r\n",
            "From: nobody\r\n\r\nx\r\n",
            "",
        ] {
            assert_eq!(signature(Origin::Submitted, none).await, "", "{none}");
        }
        let forged = signature(Origin::Forwarded, "From: a@ours.test\r\n\r\nx\r\n").await;
        assert_eq!(forged, "", "what comes from elsewhere in our name is not ours");
    });
}
