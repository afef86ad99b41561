//! Small servers: one that answers HTTP with what a test says, and one that reads and writes packets of milters as it says.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A server of HTTP that answers each request with the next of its answers, and the last for ever.
pub(super) struct Http {
    pub(super) url: String,
    /// Requests so far: head and body.
    pub(super) heard: Arc<Mutex<Vec<(String, Vec<u8>)>>>,
}

/// `200` with a JSON document.
pub(super) fn json(body: &str) -> Vec<u8> {
    status(200, body)
}

pub(super) fn status(code: u16, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {code} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
        .into_bytes()
}

impl Http {
    pub(super) async fn new(answers: Vec<Vec<u8>>) -> Http {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("it has one"));
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hears = Arc::clone(&heard);
        actix_rt::spawn(async move {
            let mut answers = answers.into_iter();
            let mut answer = Vec::new();
            while let Ok((stream, _)) = listener.accept().await {
                answer = answers.next().unwrap_or(answer);
                serve(stream, &answer, &hears).await;
            }
        });
        Http { url, heard }
    }

    pub(super) fn heard(&self) -> Vec<(String, Vec<u8>)> {
        self.heard.lock().expect("unpoisoned").clone()
    }
}

async fn serve(stream: TcpStream, answer: &[u8], heard: &Mutex<Vec<(String, Vec<u8>)>>) {
    let mut stream = BufReader::new(stream);
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(octet) = stream.read_u8().await else { return };
        head.push(octet);
    }
    let head = String::from_utf8(head).expect("ASCII");
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().expect("a number"))];
    stream.read_exact(&mut body).await.expect("the whole body");
    heard.lock().expect("unpoisoned").push((head, body));
    // Whoever has heard enough may have gone.
    let _ = stream.write_all(answer).await;
}

/// What a milter of a test says: nothing, or packets, one after what it heard.
pub(super) type Says = fn(u8, &[u8]) -> Vec<(u8, Vec<u8>)>;

/// A milter that negotiates with the flags it is given and answers by its function.
pub(super) struct Milter {
    pub(super) place: String,
    /// Packets so far.
    pub(super) heard: Arc<Mutex<Vec<(u8, Vec<u8>)>>>,
}

impl Milter {
    pub(super) async fn new(actions: u32, protocol: u32, says: Says) -> Milter {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let place = format!("milter:inet:{}", listener.local_addr().expect("it has one"));
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hears = Arc::clone(&heard);
        actix_rt::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                converse(stream, actions, protocol, says, &hears).await;
            }
        });
        Milter { place, heard }
    }

    /// Commands so far, one letter each, macros left out.
    pub(super) fn commands(&self) -> String {
        let heard = self.heard.lock().expect("unpoisoned");
        heard
            .iter()
            .filter(|(command, _)| *command != b'D')
            .map(|(command, _)| char::from(*command))
            .collect()
    }

    /// The data of all packets of a command.
    pub(super) fn told(&self, command: u8) -> Vec<String> {
        let heard = self.heard.lock().expect("unpoisoned");
        let of = heard.iter().filter(|(other, _)| *other == command);
        of.map(|(_, data)| String::from_utf8_lossy(data).into_owned()).collect()
    }
}

async fn converse(
    mut stream: TcpStream,
    actions: u32,
    protocol: u32,
    says: Says,
    heard: &Mutex<Vec<(u8, Vec<u8>)>>,
) {
    while let Ok(length) = stream.read_u32().await {
        let mut packet = vec![0; length as usize];
        stream.read_exact(&mut packet).await.expect("a whole packet");
        let (command, data) = (packet[0], packet[1..].to_vec());
        heard.lock().expect("unpoisoned").push((command, data.clone()));
        let answers = match command {
            b'O' => vec![(b'O', [6, actions, protocol].map(u32::to_be_bytes).concat())],
            command => says(command, &data),
        };
        for (command, data) in answers {
            let mut packet = u32::try_from(data.len() + 1).expect("short").to_be_bytes().to_vec();
            packet.push(command);
            packet.extend(data);
            if stream.write_all(&packet).await.is_err() {
                return;
            }
        }
    }
}
