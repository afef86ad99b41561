//! How rspamd's answers change a letter.

use super::servers::{Http, json};
use super::*;

async fn letter(answer: &str, visit: &Visit) -> String {
    let http = Http::new(vec![json(answer)]).await;
    let opinion = ask(&format!("rspamd:{}", http.url), visit, LETTER).await;
    edited(LETTER, &opinion.edits)
}

const BARE: &str = "From: eve@example.org\r\nSubject: hello\r\nTo: alice@demo.test\r\n\r\nbody\r\n";

#[actix_rt::test]
async fn marks_stand_in_front_and_foreign_ones_go() {
    let symbols =
        r#""symbols":{"A":{"score":0.5},"B_2":{"score":-3},"ZERO":{"score":0},"bad name":{"score":9}}"#;
    let answer = format!(r#"{{"action":"add header","score":7.25,"required_score":15,{symbols}}}"#);
    let expected = "X-Spam-Status: Yes, score=7.25 required=15.00\r\n\ttests=B_2,\r\n\t A\r\nX-Spam-Score: 7.25\r\nX-Spam: Yes\r\n";
    assert_eq!(letter(&answer, &visit()).await, format!("{expected}{BARE}"));
    let answer = r#"{"action":"no action","score":-1,"required_score":15}"#;
    let expected = "X-Spam-Status: No, score=-1.00 required=15.00\r\n\ttests=none\r\nX-Spam-Score: -1.00\r\n";
    assert_eq!(letter(answer, &visit()).await, format!("{expected}{BARE}"));
    let own = letter(answer, &own_visit()).await;
    assert_eq!(own.as_bytes(), LETTER, "what users send gets no marks and keeps its own");
}

#[actix_rt::test]
async fn the_milter_block_is_obeyed() {
    let block = r#"{"remove_headers":{"to":1,"From":[-1],"Nothing":-5},
        "add_headers":{"X-Text":"one","X-Front":{"value":"two","order":0},"X-Many":[{"value":"a","order":2},"b"],"X-Odd":7}}"#;
    let answer = format!(r#"{{"action":"no action","milter":{block},"dkim-signature":"v=1;\r\n\tb=x"}}"#);
    let mut lines: Vec<String> = letter(&answer, &visit()).await.split("\r\n").map(str::to_owned).collect();
    assert_eq!(lines.drain(..2).collect::<Vec<_>>(), ["DKIM-Signature: v=1;", "\tb=x"]);
    let end = lines.iter().position(String::is_empty).expect("a blank line");
    let header = &mut lines[..end];
    header.sort();
    assert_eq!(header, ["Subject: hello", "X-Front: two", "X-Many: a", "X-Many: b", "X-Text: one"]);
}

#[actix_rt::test]
async fn a_rewritten_subject_is_encoded() {
    let answer = r#"{"action":"rewrite subject","subject":"[SPAM]\r\nBcc: x hello"}"#;
    let plain = letter(answer, &visit()).await;
    assert!(plain.contains("\r\nSubject: [SPAM] Bcc: x hello\r\n"), "{plain}");
    let encoded = letter(r#"{"action":"rewrite subject","subject":"Mēstule"}"#, &visit()).await;
    assert!(encoded.contains("\r\nSubject: =?utf-8?B?TcSTc3R1bGU=?=\r\n"), "{encoded}");
}
