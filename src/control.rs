//! The control socket: how the command line reaches a running server, so that a change acts at once.
//!
//! `<data directory>/control.sock` can be opened by the server's own user only (mode 0600). A connection carries one
//! request, an [`AdminRequest`] as one line of JSON, and one answer, a line with `{"ok": …}` or `{"error": "…"}`.

use std::fs::{self, DirBuilder, Permissions};
use std::future::Future;
use std::io::{self, BufRead as _, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{SocketAddr, UnixStream as BlockingStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use postern_actors::admin::{AdminError, AdminRequest};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use zeroize::Zeroizing;

/// The socket's name in the data directory.
pub const SOCKET: &str = "control.sock";
/// The longest request, in octets: an import of some 80,000 accounts.
const LONGEST_REQUEST: u64 = 16 << 20;
/// The longest answer that the command line takes, in octets.
const LONGEST_ANSWER: u64 = 256 << 20;
/// Requests that are under way at once; more wait.
const CONCURRENT: usize = 8;
/// How long a connection may take to say its request or to take its answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The line that answers a request.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Answer {
    Ok(Value),
    Error(String),
}

/// The server's end of the socket. Dropped, it takes the socket's file away.
#[derive(Debug)]
pub struct Control {
    listener: UnixListener,
    path: PathBuf,
    /// Device and inode of the file, so that no other server's is removed.
    identity: (u64, u64),
}

impl Control {
    /// Opens the socket in `data_dir`, in the place of one that a dead server left. Asks for a tokio runtime around it.
    ///
    /// # Errors
    /// A line that names the socket, the reason and the cure; [`io::ErrorKind::AddrInUse`] where a living server has it.
    pub fn bind(data_dir: &Path) -> io::Result<Control> {
        Control::replace(data_dir).map_err(|error| {
            let cure = match error.kind() {
                io::ErrorKind::AddrInUse => "stop the server that has it, or set another POSTERN_DATA_DIR",
                io::ErrorKind::InvalidInput => "set POSTERN_DATA_DIR to a shorter path",
                _ => "let the server's user write to POSTERN_DATA_DIR",
            };
            let path = data_dir.join(SOCKET);
            io::Error::new(error.kind(), format!("{} can't be opened ({error}); {cure}", path.display()))
        })
    }

    fn replace(data_dir: &Path) -> io::Result<Control> {
        let path = data_dir.join(SOCKET);
        // A path may be too long for a socket: to be refused here, for nobody could connect.
        SocketAddr::from_pathname(&path)?;
        if BlockingStream::connect(&path).is_ok() {
            return Err(io::Error::from(io::ErrorKind::AddrInUse));
        }
        // Made inside a directory that nobody else can enter and moved from there when its mode is right: at no time
        // can another user connect. The directory's name is shorter than the socket's, for a socket's path is limited.
        let private = data_dir.join(".ctl");
        match fs::remove_dir_all(&private) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => DirBuilder::new().mode(0o700).create(&private)?,
        }
        let made = private.join("s");
        let listener = UnixListener::bind(&made)?;
        fs::set_permissions(&made, Permissions::from_mode(0o600))?;
        let metadata = fs::symlink_metadata(&made)?;
        fs::rename(&made, &path)?;
        fs::remove_dir(&private)?;
        Ok(Control { listener, path, identity: (metadata.dev(), metadata.ino()) })
    }

    /// Answers requests with `handle` until dropped. A request that has begun is finished, although its asker leaves.
    pub async fn serve<H, F>(&self, handle: H)
    where
        H: Fn(AdminRequest) -> F + Clone + 'static,
        F: Future<Output = Result<Value, AdminError>> + 'static,
    {
        let permits = Arc::new(Semaphore::new(CONCURRENT));
        let mut connections = JoinSet::new();
        loop {
            while connections.try_join_next().is_some() {}
            let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    let handle = handle.clone();
                    connections.spawn_local(async move {
                        if let Err(error) = converse(stream, handle).await {
                            tracing::debug!(%error, "control connection broke off");
                        }
                        drop(permit);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "control socket");
                    // Out of file descriptors, most likely: not again at once.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        let ours = fs::symlink_metadata(&self.path).is_ok_and(|m| (m.dev(), m.ino()) == self.identity);
        if ours {
            // Where it can't be removed, the next start replaces it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// One request and its answer.
async fn converse<H, F>(mut stream: UnixStream, handle: H) -> io::Result<()>
where
    H: Fn(AdminRequest) -> F,
    F: Future<Output = Result<Value, AdminError>>,
{
    let request = within(PATIENCE, read_request(&mut stream)).await?;
    let answer = match request {
        Ok(request) => match handle(request).await {
            Ok(value) => Answer::Ok(value),
            Err(AdminError(text)) => Answer::Error(text),
        },
        Err(text) => Answer::Error(text),
    };
    // An answer may hold a new app password.
    let mut line = Zeroizing::new(serde_json::to_vec(&answer)?);
    line.push(b'\n');
    for piece in line.chunks(64 << 10) {
        within(PATIENCE, stream.write_all(piece)).await?;
    }
    stream.shutdown().await
}

async fn within<T>(time: Duration, what: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    tokio::time::timeout(time, what).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}

/// The request, or why it is none. Nothing of it is repeated: it may hold a password.
async fn read_request(stream: &mut UnixStream) -> io::Result<Result<AdminRequest, String>> {
    let mut line = Zeroizing::new(Vec::new());
    let mut reader = BufReader::new(stream.take(LONGEST_REQUEST + 1));
    reader.read_until(b'\n', &mut line).await?;
    if line.last() != Some(&b'\n') {
        return if line.len() as u64 > LONGEST_REQUEST {
            Ok(Err(format!("the request is longer than {LONGEST_REQUEST} octets; split it")))
        } else {
            Err(io::Error::from(io::ErrorKind::UnexpectedEof))
        };
    }
    Ok(serde_json::from_slice(&line).map_err(|_| {
        "the server does not understand the request; is the command line of the same version?".to_owned()
    }))
}

/// Why a request got no good answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// No server runs on the data directory.
    #[error("no server runs on this data directory")]
    NoServer,
    /// A server may be running, but its socket may not be opened.
    #[error(
        "{} may not be opened by this user; run the command as the server's user or as root",
        .0.display()
    )]
    NotAllowed(PathBuf),
    /// The server did not do it.
    #[error("{0}")]
    Refused(AdminError),
    /// The request would be longer than the socket takes.
    #[error("the request is longer than {LONGEST_REQUEST} octets; split the file into several")]
    TooLong,
    /// The server went away in the middle; whether it did what it was asked is not known.
    #[error(
        "the server broke off before it answered ({0}); look whether it was done, and at the server's log"
    )]
    Broken(io::Error),
}

/// Asks the server that runs on `data_dir`, and waits for its answer.
///
/// # Errors
/// [`AskError::NoServer`] where none runs: the store can be opened instead.
pub fn ask(data_dir: &Path, request: &AdminRequest) -> Result<Value, AskError> {
    let path = data_dir.join(SOCKET);
    let stream = BlockingStream::connect(&path).map_err(|error| match error.kind() {
        // Too long a path (InvalidInput) is one that no server can have.
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused | io::ErrorKind::InvalidInput => {
            AskError::NoServer
        }
        io::ErrorKind::PermissionDenied => AskError::NotAllowed(path),
        _ => AskError::Broken(error),
    })?;
    match exchange(stream, request)? {
        Answer::Ok(value) => Ok(value),
        Answer::Error(text) => Err(AskError::Refused(AdminError(text))),
    }
}

fn exchange(mut stream: BlockingStream, request: &AdminRequest) -> Result<Answer, AskError> {
    let broken = |error: io::Error| AskError::Broken(error);
    let mut line = Zeroizing::new(serde_json::to_vec(request).map_err(|error| broken(error.into()))?);
    line.push(b'\n');
    if line.len() as u64 > LONGEST_REQUEST {
        return Err(AskError::TooLong);
    }
    stream.write_all(&line).map_err(broken)?;
    let mut answer = Zeroizing::new(Vec::new());
    io::BufReader::new(stream.take(LONGEST_ANSWER)).read_until(b'\n', &mut answer).map_err(broken)?;
    if answer.last() != Some(&b'\n') {
        return Err(broken(io::Error::from(io::ErrorKind::UnexpectedEof)));
    }
    serde_json::from_slice(&answer).map_err(|error| broken(error.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use tempfile::TempDir;

    /// Runs `test` on a thread of its own, as the command line is one, beside a server that answers with `handle`.
    fn with_server<T: Send + 'static>(
        dir: &TempDir,
        handle: impl Fn(AdminRequest) -> Result<Value, AdminError> + Clone + 'static,
        test: impl FnOnce(PathBuf) -> T + Send + 'static,
    ) -> T {
        let path = dir.path().to_owned();
        actix_rt::System::new().block_on(async move {
            let control = Control::bind(&path).expect("the socket opens");
            let client = tokio::task::spawn_blocking(move || test(path));
            tokio::select! {
                () = control.serve(move |request| std::future::ready(handle(request))) => unreachable!("it serves for ever"),
                result = client => result.expect("the client does not panic"),
            }
        })
    }

    fn raw(dir: &Path, bytes: &[u8]) -> String {
        let mut stream = BlockingStream::connect(dir.join(SOCKET)).expect("a server");
        stream.write_all(bytes).expect("sent");
        stream.shutdown(std::net::Shutdown::Write).expect("half closed");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer or an end");
        answer
    }

    #[test]
    fn a_request_and_its_answer_go_through() {
        let dir = TempDir::new().expect("a directory");
        let handle = |request| match request {
            AdminRequest::AccountShow { address } => Ok(json!({ "address": address })),
            _ => Err(AdminError("the clock is the system's".to_owned())),
        };
        let (shown, refused) = with_server(&dir, handle, |dir| {
            let show = AdminRequest::AccountShow { address: "a@b.test".to_owned() };
            (ask(&dir, &show), ask(&dir, &AdminRequest::ClockShow))
        });
        assert_eq!(shown.expect("an answer"), json!({"address": "a@b.test"}));
        match refused.expect_err("a refusal") {
            AskError::Refused(error) => assert_eq!(error.0, "the clock is the system's"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_no_request_gets_an_error_that_repeats_nothing() {
        let dir = TempDir::new().expect("a directory");
        let answers = with_server(
            &dir,
            |_| Ok(Value::Null),
            |dir| {
                [
                    raw(&dir, b"{\"ask\":\"set-password\",\"password\":\"hunter2\"}\n"),
                    raw(&dir, b"\xff\xfe\n"),
                    raw(&dir, b"\n"),
                    raw(&dir, b"{\"ask\":\"domain-list\"}\nmore"),
                    raw(&dir, b"{\"ask\":\"domain-list\"}"),
                ]
            },
        );
        for bad in &answers[..3] {
            assert!(bad.starts_with("{\"error\":\"the server does not understand"), "{bad}");
            assert!(!bad.contains("hunter2"));
        }
        assert_eq!(answers[3], "{\"ok\":null}\n");
        assert_eq!(answers[4], "", "a line without an end is not carried out");
    }

    #[test]
    fn too_long_a_request_is_refused_on_both_ends() {
        let dir = TempDir::new().expect("a directory");
        let long = "x".repeat(usize::try_from(LONGEST_REQUEST).expect("64 bits"));
        let (own, other) = with_server(
            &dir,
            |_| Ok(Value::Null),
            move |dir| {
                let request = AdminRequest::DomainAdd { domain: long.clone() };
                let mut stream = BlockingStream::connect(dir.join(SOCKET)).expect("a server");
                // The server stops reading at its limit; what it says then is what counts.
                let _ = stream.write_all(long.as_bytes()).and_then(|()| stream.write_all(b"yy"));
                let mut answer = String::new();
                let _ = stream.read_to_string(&mut answer);
                (ask(&dir, &request), answer)
            },
        );
        assert!(matches!(own, Err(AskError::TooLong)));
        assert!(other.contains("longer than 16777216 octets"), "{other}");
    }

    #[test]
    fn many_ask_at_once_and_all_are_answered() {
        let dir = TempDir::new().expect("a directory");
        let answers = with_server(
            &dir,
            |_| Ok(json!(1)),
            |dir| {
                let askers: Vec<_> = (0..4 * CONCURRENT)
                    .map(|_| {
                        let dir = dir.clone();
                        std::thread::spawn(move || ask(&dir, &AdminRequest::DomainList).is_ok())
                    })
                    .collect();
                askers.into_iter().map(|a| a.join().expect("no panic")).filter(|ok| *ok).count()
            },
        );
        assert_eq!(answers, 4 * CONCURRENT);
    }

    #[test]
    fn the_socket_is_private_replaces_a_stale_one_and_goes_with_the_server() {
        let dir = TempDir::new().expect("a directory");
        let path = dir.path().join(SOCKET);
        actix_rt::System::new().block_on(async {
            drop(std::os::unix::net::UnixListener::bind(&path).expect("a stale socket"));
            assert!(matches!(ask(dir.path(), &AdminRequest::DomainList), Err(AskError::NoServer)));
            let control = Control::bind(dir.path()).expect("replaces it");
            let mode = fs::metadata(&path).expect("a socket").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
            let second = Control::bind(dir.path()).expect_err("a living server has it");
            assert_eq!(second.kind(), io::ErrorKind::AddrInUse);
            assert!(second.to_string().contains("POSTERN_DATA_DIR"), "{second}");
            drop(control);
            assert!(!path.exists());
        });
        assert_eq!(fs::read_dir(dir.path()).expect("a directory").count(), 0, "nothing is left behind");
        assert!(matches!(ask(dir.path(), &AdminRequest::DomainList), Err(AskError::NoServer)));
    }

    #[test]
    fn a_path_too_long_for_a_socket_is_said_at_once() {
        let dir = TempDir::new().expect("a directory");
        let deep = dir.path().join("d".repeat(100));
        fs::create_dir(&deep).expect("a directory");
        let refused = Control::bind(&deep).expect_err("too long");
        assert!(refused.to_string().contains("a shorter path"), "{refused}");
        assert!(matches!(ask(&deep, &AdminRequest::DomainList), Err(AskError::NoServer)));
    }
}
