//! Reports as programs and people get them.

use mail_parser::{MessageParser, MimeHeaders, PartType};
use postern_actors::courier::{Action, Report, Reported, Reporter};
use postern_model::record::{Attempt, MailTerms, Origin, Queued, QueuedRecipient, RcptTerms};
use postern_model::{LetterId, QueueId, Timestamp};

use super::Reports;

const AT: Timestamp = Timestamp(1_772_359_200_000_000);
const ORIGINAL: &[u8] =
    b"Message-ID: <one@demo.test>\r\nSubject: x\r\nX-Long: a\r\n b\r\n\r\nThe text of it\r\n";

fn told(address: &str, action: Action) -> Reported {
    let attempt = Attempt {
        at: AT,
        remote: Some("mx.b.test [192.0.2.1]:25".to_owned()),
        code: Some(550),
        enhanced: (5, 1, 1),
        said:
            "550 5.1.1 Nobody here, and this is told at some length so that the line becomes too long for one"
                .to_owned(),
        tls: None,
    };
    let terms = RcptTerms { notify: None, orcpt: Some("rfc822;first@demo.test".to_owned()) };
    let recipient = QueuedRecipient { address: address.to_owned(), terms, last: None };
    Reported { recipient, action, attempt: Some(attempt) }
}

fn report(recipients: &[Reported], language: Option<&str>, original: &[u8], whole: bool) -> String {
    let envelope = Queued {
        mail_from: "alice@demo.test".to_owned(),
        sender: None,
        accepted: AT,
        size: 100,
        origin: Origin::Submitted,
        terms: MailTerms { envid: Some("QQ314159".to_owned()), ..MailTerms::default() },
        front: Vec::new(),
    };
    let report = Report {
        letter: LetterId(0x20),
        now: AT,
        to: "alice@demo.test",
        language,
        about: QueueId { letter: LetterId(0x1f), envelope: 0 },
        envelope: &envelope,
        recipients,
        original,
        whole,
    };
    let bytes = Reports::new("mail.demo.test".to_owned()).report(&report);
    String::from_utf8(bytes).expect("text")
}

#[test]
fn a_report_has_its_three_parts() {
    let text = report(&[told("bob@b.test", Action::Failed)], None, ORIGINAL, true);
    let parsed = MessageParser::new().parse(text.as_bytes()).expect("a letter");
    let kind = parsed.content_type().expect("a type");
    assert_eq!((kind.ctype(), kind.subtype()), ("multipart", Some("report")));
    assert_eq!(kind.attribute("report-type"), Some("delivery-status"));
    assert_eq!(parsed.parts.len(), 4);
    assert!(matches!(&parsed.parts[3].body, PartType::Message(inner) if inner.subject() == Some("x")));
    for line in [
        "Auto-Submitted: auto-replied\r\n",
        "In-Reply-To: <one@demo.test>\r\n",
        "Original-Envelope-Id: QQ314159\r\n",
        "Reporting-MTA: dns; mail.demo.test\r\n",
        "Arrival-Date: Sun, 1 Mar 2026 10:00:00 +0000\r\n",
        "Original-Recipient: rfc822; first@demo.test\r\n",
        "Final-Recipient: rfc822; bob@b.test\r\n",
        "Action: failed\r\n",
        "Status: 5.1.1\r\n",
        "Remote-MTA: dns; mx.b.test\r\n",
        "Diagnostic-Code: smtp; 550 5.1.1 Nobody here,",
        "Last-Attempt-Date: Sun, 1 Mar 2026 10:00:00 +0000\r\n",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert!(text.lines().all(|line| line.len() <= 78), "{text}");
}

#[test]
fn the_action_decides_the_class_and_what_is_said() {
    let until = AT.plus(std::time::Duration::from_secs(86_400));
    for (action, name, status, subject) in [
        (Action::Delayed { until }, "delayed", "4.1.1", "Your letter is late"),
        (Action::Delivered, "delivered", "2.0.0", "Your letter was delivered"),
        (Action::Relayed, "relayed", "2.0.0", "Your letter was passed on"),
        (Action::Expanded, "expanded", "2.0.0", "Your letter was passed on"),
    ] {
        let text = report(&[told("bob@b.test", action)], None, ORIGINAL, false);
        assert!(text.contains(&format!("Action: {name}\r\nStatus: {status}\r\n")), "{text}");
        assert!(text.contains(&format!("Subject: {subject}\r\n")), "{text}");
        assert!(text.contains("text/rfc822-headers") && !text.contains("The text of it"), "{text}");
        let retries = text.contains("Will-Retry-Until: Mon, 2 Mar 2026 10:00:00 +0000");
        assert_eq!(retries, name == "delayed", "{text}");
    }
}

#[test]
fn users_read_it_in_their_language_and_odd_originals_do_no_harm() {
    for (language, word) in [("lv", "neizdevās"), ("ru", "не удалось"), ("de", "could not")] {
        let text = report(&[told("bob@b.test", Action::Failed)], Some(language), ORIGINAL, false);
        let parsed = MessageParser::new().parse(text.as_bytes()).expect("a letter");
        assert!(parsed.subject().is_some_and(|subject| subject.contains(word)), "{text}");
        assert!(parsed.body_text(0).is_some_and(|body| body.contains("bob@b.test")), "{text}");
    }
    let long = format!("X: {}\r\n\r\nbody", "y\r\n ".repeat(100_000));
    let text = report(&[told("bob@b.test", Action::Failed)], None, long.as_bytes(), true);
    assert!(text.len() < 100_000 && text.ends_with("--\r\n"));
    let text = report(&[told("jānis@b.test", Action::Failed)], None, b"no header at all", true);
    assert!(
        text.contains("message/global-delivery-status")
            && text.contains("Final-Recipient: utf-8; jānis@b.test")
    );
}
