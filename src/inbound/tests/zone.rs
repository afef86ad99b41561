//! A name server on loopback that answers from a text: a record a line, `name TYPE data`. `name FAIL` answers SERVFAIL,
//! `name MUTE` not at all; what is below a mute name is mute too. Names that are not there don't exist.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::op::{Message, OpCode, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, MX, PTR, TXT};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use mail_auth::MessageAuthenticator;
use tokio::net::UdpSocket;

type Rows = HashMap<String, Vec<(String, String)>>;

/// The server; it ends with the test's runtime.
pub(super) struct Zone {
    at: SocketAddr,
    /// Names that were asked for.
    pub(super) asked: Arc<Mutex<Vec<String>>>,
}

impl Zone {
    pub(super) async fn serve(text: &str) -> Zone {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let at = socket.local_addr().expect("bound");
        let mut rows = Rows::new();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (name, rest) = line.split_once(' ').expect("a name and more");
            let (kind, data) = rest.split_once(' ').unwrap_or((rest, ""));
            rows.entry(name.to_lowercase()).or_default().push((kind.to_owned(), data.to_owned()));
        }
        let asked = Arc::new(Mutex::new(Vec::new()));
        let list = Arc::clone(&asked);
        actix_rt::spawn(async move {
            let mut packet = [0; 4096];
            while let Ok((size, from)) = socket.recv_from(&mut packet).await {
                let question = Message::from_vec(&packet[..size]).expect("a question");
                if let Some(answer) = answer(&rows, &question, &list) {
                    let _ = socket.send_to(&answer.to_vec().expect("an answer"), from).await;
                }
            }
        });
        Zone { at, asked }
    }

    pub(super) fn authenticator(&self) -> MessageAuthenticator {
        let mut udp = ConnectionConfig::udp();
        udp.port = self.at.port();
        let server = NameServerConfig::new(self.at.ip(), true, vec![udp]);
        let mut options = ResolverOpts::default();
        (options.attempts, options.timeout) = (1, Duration::from_secs(20));
        (options.use_hosts_file, options.edns0) = (ResolveHosts::Never, false);
        let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
        let resolver = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        MessageAuthenticator(resolver.with_options(options).build().expect("a resolver"))
    }
}

fn answer(rows: &Rows, question: &Message, asked: &Mutex<Vec<String>>) -> Option<Message> {
    let query = question.queries.first()?;
    let name = query.name().to_ascii().trim_end_matches('.').to_lowercase();
    asked.lock().expect("whole").push(name.clone());
    let has =
        |name: &str, kind: &str| rows.get(name).is_some_and(|rows| rows.iter().any(|row| row.0 == kind));
    let mut above = Some(name.as_str());
    while let Some(one) = above {
        if has(one, "MUTE") {
            return None;
        }
        above = one.split_once('.').map(|(_, rest)| rest);
    }
    let mut answer = Message::response(question.metadata.id, OpCode::Query);
    (answer.metadata.recursion_desired, answer.metadata.recursion_available) = (true, true);
    answer.add_query(query.clone());
    answer.metadata.response_code = match rows.get(&name) {
        _ if has(&name, "FAIL") => ResponseCode::ServFail,
        Some(rows) => {
            for (kind, data) in rows {
                if RecordType::from_str(kind).is_ok_and(|kind| kind == query.query_type()) {
                    answer.add_answer(Record::from_rdata(query.name().clone(), 60, rdata(kind, data)));
                }
            }
            ResponseCode::NoError
        }
        None => ResponseCode::NXDomain,
    };
    Some(answer)
}

fn rdata(kind: &str, data: &str) -> RData {
    let name = |text: &str| Name::from_ascii(format!("{text}.")).expect("a name");
    match kind {
        "A" => RData::A(A(data.parse().expect("an address"))),
        "PTR" => RData::PTR(PTR(name(data))),
        "MX" => RData::MX(MX::new(10, name(data))),
        "TXT" => {
            let parts = data.as_bytes().chunks(255);
            RData::TXT(TXT::new(parts.map(|part| String::from_utf8_lossy(part).into_owned()).collect()))
        }
        other => panic!("records of type {other} are not needed"),
    }
}
