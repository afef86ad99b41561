//! Listening sockets: bound or inherited from systemd, accepted from on every arbiter, closed when the server stops.
//!
//! Each arbiter has its own handle of the same socket and accepts what it is free to serve; a busy one comes later to
//! the next connection, so the load spreads by itself, and a connection never changes threads.

use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener as StdUnixListener, UnixStream as StdUnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use actix_rt::ArbiterHandle;
use listenfd::ListenFd;
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use tokio::net::{TcpListener, TcpStream, UnixListener};

use super::arrival::{Porch, Premises, Reception, Service};
use super::door::Door;
use super::limits::Connections;

/// Connections that the kernel holds until they are accepted.
const BACKLOG: i32 = 4096;
/// How long accepting rests where the process is out of descriptors or memory.
const BACK_OFF: Duration = Duration::from_millis(250);
/// When the kernel begins to ask a silent client whether it is there, and how often.
const KEEPALIVE: Duration = Duration::from_secs(120);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);

/// Why a port can't be served: one line that names the variable, the port, the reason and the cure (SPEC P9).
#[derive(Debug, thiserror::Error)]
#[error("{variable}: can't listen on {address} ({source}); {}", cure(.source))]
pub struct BindError {
    variable: &'static str,
    address: SocketAddr,
    source: io::Error,
}

impl BindError {
    /// Whether this machine has no IPv6 at all; a default that names both families may be passed over then.
    pub fn lacks_ipv6(&self) -> bool {
        self.address.is_ipv6()
            && self.source.raw_os_error() == Some(rustix::io::Errno::AFNOSUPPORT.raw_os_error())
    }
}

fn cure(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => "stop the program that listens there, or choose another port",
        io::ErrorKind::PermissionDenied => {
            "ports below 1024 need root, CAP_NET_BIND_SERVICE or systemd's socket activation; or choose a higher port"
        }
        io::ErrorKind::AddrNotAvailable => "name an address of this machine, or 0.0.0.0 or [::] for all",
        _ => "choose another address, or set the variable to off",
    }
}

/// Sockets that systemd has opened for us (socket activation, SPEC O4).
#[derive(Debug, Default)]
pub struct Inherited(Vec<(SocketAddr, StdListener)>);

impl Inherited {
    /// Takes them from the environment; call it once, before anything else opens files.
    ///
    /// # Errors
    /// One of them is no listening TCP socket.
    pub fn from_env() -> io::Result<Inherited> {
        let mut passed = ListenFd::from_env();
        let mut sockets = Vec::new();
        for index in 0..passed.len() {
            if let Some(socket) = passed.take_tcp_listener(index)? {
                sockets.push(socket);
            }
        }
        Inherited::from_sockets(sockets)
    }

    /// These sockets.
    ///
    /// # Errors
    /// One of them has no address.
    pub fn from_sockets(sockets: Vec<StdListener>) -> io::Result<Inherited> {
        let with_address = |socket: StdListener| Ok((socket.local_addr()?, socket));
        Ok(Inherited(sockets.into_iter().map(with_address).collect::<io::Result<_>>()?))
    }

    /// The one for `address`: with exactly that address, or else with its port and any address.
    fn take(&mut self, address: SocketAddr) -> Option<StdListener> {
        let exact = self.0.iter().position(|(at, _)| *at == address);
        let found = exact.or_else(|| self.0.iter().position(|(at, _)| at.port() == address.port()))?;
        Some(self.0.swap_remove(found).1)
    }

    /// Addresses of those that no listener has asked for: a mistake of the operator's, to be reported.
    pub fn unclaimed(&self) -> Vec<SocketAddr> {
        self.0.iter().map(|(at, _)| *at).collect()
    }
}

/// Opens a listening socket, or takes the one that was inherited for it. `variable` is where the address stands.
///
/// # Errors
/// See [`BindError`].
pub fn bind(
    variable: &'static str,
    address: SocketAddr,
    inherited: &mut Inherited,
) -> Result<StdListener, BindError> {
    let failed = |source| BindError { variable, address, source };
    match inherited.take(address) {
        Some(socket) => {
            socket.set_nonblocking(true).map_err(failed)?;
            Ok(socket)
        }
        None => open(address).map_err(failed),
    }
}

fn open(address: SocketAddr) -> io::Result<StdListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A restart must not wait for the connections of the last run to be forgotten.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// A socket file that is listened on; removed when dropped.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    listener: StdUnixListener,
}

impl SocketFile {
    /// Listens on `path`, which the owner and the group may connect to. A file that was left by a server that is gone is
    /// taken away first.
    ///
    /// # Errors
    /// One line that names the variable, the path, the reason and the cure.
    pub fn bind(variable: &str, path: &Path) -> Result<SocketFile, String> {
        let named = |error: io::Error, cure| {
            format!("{variable}: can't listen on unix:{} ({error}); {cure}", path.display())
        };
        let is_socket = fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
        if is_socket && StdUnixStream::connect(path).is_err() {
            fs::remove_file(path).map_err(|error| named(error, "remove it"))?;
        }
        let cure =
            "stop the program that listens there, or name a path in a directory that this user may write";
        let listener = StdUnixListener::bind(path).map_err(|error| named(error, cure))?;
        let socket = SocketFile { path: path.to_owned(), listener };
        let set = socket.listener.set_nonblocking(true);
        set.and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(0o660)))
            .map_err(|error| named(error, "name another path"))?;
        Ok(socket)
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Where it is gone already, there is nothing to do.
        let _ = fs::remove_file(&self.path);
    }
}

/// All listeners of the process.
pub struct Listeners {
    premises: Premises,
    arbiters: Vec<ArbiterHandle>,
}

impl Listeners {
    /// No listener yet; what will be accepted is served by these arbiters.
    pub fn new(premises: Premises, arbiters: Vec<ArbiterHandle>) -> Listeners {
        Listeners { premises, arbiters }
    }

    /// Begins to accept connections for a service.
    ///
    /// # Errors
    /// The socket's handle could not be doubled, or the service begins with TLS and there are no certificates.
    pub fn serve<S: Door>(&self, service: Service<S>, socket: &StdListener) -> io::Result<()> {
        if service.implicit_tls && self.premises.tls.is_none() {
            return Err(io::Error::other(format!("{} needs certificates, and there are none", service.name)));
        }
        let address = socket.local_addr()?;
        tracing::info!(service = service.name, %address, "listening");
        let porch: Arc<dyn Reception> = Arc::new(Porch { service, premises: self.premises.clone() });
        for arbiter in &self.arbiters {
            let (socket, porch) = (socket.try_clone()?, porch.clone());
            let connections = self.premises.connections.clone();
            arbiter.spawn_fn(move || {
                actix_rt::spawn(accept_until_stopped(socket, porch, connections));
            });
        }
        Ok(())
    }

    /// Begins to accept connections for a service through a socket file.
    ///
    /// # Errors
    /// The socket's handle could not be doubled.
    pub fn serve_local<S: Door>(&self, service: Service<S>, socket: &SocketFile) -> io::Result<()> {
        tracing::info!(service = service.name, path = %socket.path.display(), "listening");
        let porch: Arc<dyn Reception> = Arc::new(Porch { service, premises: self.premises.clone() });
        for arbiter in &self.arbiters {
            let (socket, porch) = (socket.listener.try_clone()?, porch.clone());
            let connections = self.premises.connections.clone();
            arbiter.spawn_fn(move || {
                actix_rt::spawn(accept_local(socket, porch, connections));
            });
        }
        Ok(())
    }

    /// Stops accepting, drops whoever is not served yet, tells every session, and waits until all have gone, `grace` at
    /// most. Whether all have gone.
    pub async fn stop(&self, grace: Duration) -> bool {
        self.premises.connections.tell_stopping();
        self.premises.connections.empty(grace).await
    }
}

async fn accept_until_stopped(socket: StdListener, porch: Arc<dyn Reception>, connections: Arc<Connections>) {
    let listener = match TcpListener::from_std(socket) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, "a listening socket could not be used");
            return;
        }
    };
    tokio::select! {
        () = connections.stopping() => {}
        () = accept_all(&listener, &porch) => {}
    }
}

async fn accept_local(socket: StdUnixListener, porch: Arc<dyn Reception>, connections: Arc<Connections>) {
    let listener = match UnixListener::from_std(socket) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, "a socket file could not be used");
            return;
        }
    };
    let accepting = async {
        loop {
            match listener.accept().await {
                Ok((socket, _)) => {
                    porch.clone().receive_local(socket);
                    tokio::task::yield_now().await;
                }
                Err(error) if is_shortage(&error) => tokio::time::sleep(BACK_OFF).await,
                Err(error) => tracing::debug!(%error, "accept"),
            }
        }
    };
    tokio::select! {
        () = connections.stopping() => {}
        () = accepting => {}
    }
}

/// Accepts for ever; no error ends it.
async fn accept_all(listener: &TcpListener, porch: &Arc<dyn Reception>) {
    let mut resting = false;
    loop {
        match listener.accept().await {
            Ok((socket, peer)) => {
                resting = false;
                prepare(&socket);
                porch.clone().receive(socket, peer);
                // What came before is served before more is taken on; meanwhile another arbiter may take it.
                tokio::task::yield_now().await;
            }
            Err(error) if is_shortage(&error) => {
                if !resting {
                    tracing::error!(%error, "no connection can be accepted for the moment; raise LimitNOFILE");
                }
                resting = true;
                tokio::time::sleep(BACK_OFF).await;
            }
            // The client has gone again before it was accepted.
            Err(error) => tracing::debug!(%error, "accept"),
        }
    }
}

/// Whether trying again at once would fail again (accept(2)).
fn is_shortage(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let short = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM].map(|e| Some(e.raw_os_error()));
    short.contains(&error.raw_os_error())
}

/// Sets what every connection has; where the kernel refuses, the connection works without it.
fn prepare(socket: &TcpStream) {
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE_INTERVAL);
    let set = socket.set_nodelay(true).and(SockRef::from(socket).set_tcp_keepalive(&keepalive));
    if let Err(error) = set {
        tracing::debug!(%error, "socket options");
    }
}
