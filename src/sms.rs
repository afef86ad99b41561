//! SMS alerts by HTTP to the operator's gateway (SPEC D7): a template for its address, and one for the body where it wants
//! POST. Neither the token, nor the filled-in address, nor a number is ever logged.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use postern_actors::admin::Secret;
use postern_actors::courier::Local;
use postern_actors::sms::{Texter, TexterError};
use reqwest::{Client, StatusCode, redirect};

use crate::config::Config;

/// How long the gateway may take for one alert.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest that a gateway may ask to be left alone.
const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);

/// The operator's gateway.
pub struct Gateway {
    http: Client,
    url: String,
    body: Option<(String, String)>,
    token: Option<Secret>,
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gateway")
    }
}

/// The gateway that is configured; `None` where there is none.
///
/// # Errors
/// HTTP can't be spoken here.
pub fn gateway(config: &Config) -> Result<Option<Arc<dyn Texter>>, String> {
    let sms = &config.users.sms;
    let Some(url) = sms.url.clone() else { return Ok(None) };
    for place in ["{number}", "{text}"] {
        if !url.contains(place) && !sms.body.as_ref().is_some_and(|body| body.contains(place)) {
            return Err(format!(
                "POSTERN_SMS_URL: neither it nor POSTERN_SMS_BODY names {place}: write it where it belongs"
            ));
        }
    }
    let http = Client::builder().timeout(PATIENCE).redirect(redirect::Policy::none()).build();
    let http = http.map_err(|error| format!("POSTERN_SMS_URL: {error}"))?;
    let body = sms.body.clone().map(|body| (sms.content_type.clone(), body));
    Ok(Some(Arc::new(Gateway { http, url, body, token: sms.token.clone() })))
}

impl Gateway {
    async fn post(&self, number: &str, text: &str) -> Result<(), TexterError> {
        let token = self.token.as_ref().map_or("", |token| token.0.as_str());
        let url = filled(&self.url, number, text, token, percent);
        let request = match &self.body {
            None => self.http.get(url),
            Some((kind, body)) => {
                let escape = if kind == "application/json" { json } else { percent };
                let body = filled(body, number, text, token, escape);
                self.http.post(url).header("Content-Type", kind).body(body)
            }
        };
        let named = |template: &str| template.contains("{token}");
        let is_named = named(&self.url) || self.body.as_ref().is_some_and(|(_, body)| named(body));
        let request = if token.is_empty() || is_named { request } else { request.bearer_auth(token) };
        // Its address, which holds secrets, stays out of the error's text.
        let answer =
            request.send().await.map_err(|error| temporary(error.without_url().to_string(), None))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let wait = answer.headers().get("Retry-After").and_then(|value| value.to_str().ok()?.parse().ok());
        let wait = wait.map(|seconds| Duration::from_secs(seconds).min(LONGEST_WAIT));
        let said = format!("the gateway answers {}", status.as_u16());
        match status {
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => Err(temporary(said, wait)),
            status if status.is_client_error() => {
                Err(TexterError { permanent: true, retry_after: None, said })
            }
            _ => Err(temporary(said, wait)),
        }
    }
}

impl Texter for Gateway {
    fn send<'a>(&'a self, number: &'a str, text: &'a str) -> Local<'a, Result<(), TexterError>> {
        Box::pin(self.post(number, text))
    }
}

fn temporary(said: String, retry_after: Option<Duration>) -> TexterError {
    TexterError { permanent: false, retry_after, said }
}

/// A template with its places filled in, each value as the place can hold it.
fn filled(template: &str, number: &str, text: &str, token: &str, escape: fn(&str) -> String) -> String {
    let (mut out, mut rest) = (String::new(), template);
    while let Some(at) = rest.find('{') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let found = [("{number}", number), ("{text}", text), ("{token}", token)];
        match found.into_iter().find(|(name, _)| rest.starts_with(name)) {
            Some((name, value)) => {
                out.push_str(&escape(value));
                rest = &rest[name.len()..];
            }
            None => {
                out.push('{');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// RFC 3986 §2.1
fn percent(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

/// The inside of a string of JSON.
fn json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted.trim_matches('"').to_owned()
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use zeroize::Zeroizing;

    use super::*;

    /// A gateway that answers each request with the next of `answers`; what it was asked comes back.
    fn served(answers: &'static [&'static str]) -> (String, std::thread::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address").to_string();
        let asked = std::thread::spawn(move || {
            let answer = |answer: &&str| {
                let (mut stream, _) = listener.accept().expect("a client");
                let mut buffer = vec![0; 8_192];
                let read = stream.read(&mut buffer).expect("a request");
                let head = format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                stream.write_all(head.as_bytes()).expect("an answer");
                String::from_utf8_lossy(&buffer[..read]).into_owned()
            };
            answers.iter().map(answer).collect()
        });
        (address, asked)
    }

    fn gateway(url: String, body: Option<&str>) -> Gateway {
        let http = Client::builder().timeout(PATIENCE).redirect(redirect::Policy::none()).build();
        let body = body.map(|body| ("application/json".to_owned(), body.to_owned()));
        let token = Some(Secret(Zeroizing::new("sesame".to_owned())));
        Gateway { http: http.expect("a client"), url, body, token }
    }

    fn send(gateway: &Gateway) -> Result<(), TexterError> {
        actix_rt::System::new().block_on(gateway.send("+37120000000", "Jauna \"vēstule\" & co"))
    }

    #[test]
    fn the_template_is_filled_in_as_its_place_needs_it() {
        let (address, asked) = served(&["200 OK", "202 Accepted"]);
        let get = gateway(format!("http://{address}/send?to={{number}}&text={{text}}&key={{token}}"), None);
        assert_eq!(send(&get), Ok(()));
        let body = r#"{"to": "{number}", "text": "{text}"}"#;
        assert_eq!(send(&gateway(format!("http://{address}/"), Some(body))), Ok(()));
        let asked = asked.join().expect("both were asked");
        assert!(asked[0].starts_with(
            "GET /send?to=%2B37120000000&text=Jauna%20%22v%C4%93stule%22%20%26%20co&key=sesame HTTP/1.1"
        ));
        assert!(!asked[0].to_lowercase().contains("authorization"), "the template names the token");
        assert!(
            asked[1].contains(r#"{"to": "+37120000000", "text": "Jauna \"vēstule\" & co"}"#),
            "{}",
            asked[1]
        );
        assert!(asked[1].to_lowercase().contains("authorization: bearer sesame"), "{}", asked[1]);
    }

    #[test]
    fn what_the_gateway_answers_decides_and_no_secret_is_told() {
        let (address, asked) = served(&[
            "429 Slow\r\nRetry-After: 90",
            "503 Later",
            "403 No",
            "302 Found\r\nLocation: http://x/",
        ]);
        let gateway = gateway(format!("http://{address}/{{token}}"), None);
        let answers: Vec<_> = (0..4).map(|_| send(&gateway).expect_err("it was not taken")).collect();
        let told: Vec<_> = answers.iter().map(|error| (error.permanent, error.retry_after)).collect();
        let wait = Some(Duration::from_secs(90));
        assert_eq!(told, [(false, wait), (false, None), (true, None), (false, None)]);
        asked.join().expect("all were asked");
        let gone = send(&gateway).expect_err("nobody listens any more");
        assert!(!gone.permanent && !gone.said.contains("sesame"), "{gone}");
    }
}
