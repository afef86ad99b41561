//! TLS as clients meet it.

use super::*;

use std::path::Path;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, DigitallySignedStruct, HandshakeKind, SignatureScheme, SupportedProtocolVersion};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tempfile::TempDir;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::super::tls::certificates::Certificates;
use super::super::tls::self_signed;

const ANY: &[SignatureScheme] = &[SignatureScheme::ECDSA_NISTP256_SHA256, SignatureScheme::RSA_PSS_SHA256];

/// A server's certificate in a directory that lives as long as the test.
pub(super) fn tls() -> (TempDir, Tls) {
    let dir = tempfile::tempdir().expect("a directory");
    let tls = tls_in(dir.path());
    (dir, tls)
}

fn tls_in(dir: &Path) -> Tls {
    let now = Timestamp::from_seconds(1_790_000_000);
    let files = self_signed::certificate(dir, "mail.demo.test", now).expect("a certificate");
    Tls::new(Certificates::load(files, now).expect("usable files")).expect("TLS")
}

/// Believes everybody; these tests are about the server.
#[derive(Debug)]
struct Credulous(&'static [SignatureScheme]);

impl ServerCertVerifier for Credulous {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.to_vec()
    }
}

fn config(version: &'static SupportedProtocolVersion) -> Arc<ClientConfig> {
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[version])
        .expect("a version")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Credulous(ANY)))
        .with_no_client_auth();
    Arc::new(config)
}

async fn shake(config: &Arc<ClientConfig>, socket: TcpStream) -> Client<TlsStream<TcpStream>> {
    let name = ServerName::try_from("mail.demo.test").expect("a name");
    Client(TlsConnector::from(config.clone()).connect(name, socket).await.expect("a handshake"))
}

/// Begins TLS on a connection.
pub(super) async fn shake_hands(socket: TcpStream) -> Client<TlsStream<TcpStream>> {
    shake(&config(&rustls::version::TLS13), socket).await
}

/// Connects to a server that begins with TLS.
pub(super) async fn connect(world: &World) -> Client<TlsStream<TcpStream>> {
    shake_hands(world.connect().await.0).await
}

#[test]
fn what_came_in_the_clear_behind_starttls_is_thrown_away() {
    run(async {
        let (_dir, tls) = tls();
        let world = World::start(Plan { tls: Some(tls), ..Plan::default() }).await;
        let mut client = world.greeted().await;
        client.say("encrypted\r\nstarttls\r\necho injected\r\nquit\r\necho inj").await;
        client.expect("false\r\ngo\r\n").await;
        let mut client = shake(&config(&rustls::version::TLS13), client.0).await;
        client.say("echo after\r\nencrypted\r\ntls\r\nquit\r\n").await;
        client.expect("after\r\ntrue\r\n").await;
        let tls = client.line().await;
        assert!(tls.contains("TLSv1.3") && tls.contains("mail.demo.test"), "{tls}");
        assert_eq!(client.rest().await, "bye\r\n");
    });
}

#[test]
fn a_client_that_never_shakes_hands_is_dropped() {
    run(async {
        let (_dir, tls) = tls();
        let world = World::start(Plan { tls: Some(tls.clone()), ..Plan::default() }).await;
        let mut client = world.greeted().await;
        client.say("starttls\r\n").await;
        client.expect("go\r\n").await;
        world.advance_until_empty(Duration::from_secs(31)).await;
        let world = World::start(Plan { tls: Some(tls), implicit_tls: true, ..Plan::default() }).await;
        let mut client = world.connect().await;
        while world.connections.count() == 0 {
            tokio::task::yield_now().await;
        }
        world.advance_until_empty(Duration::from_secs(31)).await;
        assert_eq!(client.rest().await, "");
    });
}

#[test]
fn garbage_instead_of_a_handshake_ends_the_connection() {
    run(async {
        let (_dir, tls) = tls();
        let world = World::start(Plan { tls: Some(tls), implicit_tls: true, ..Plan::default() }).await;
        let mut client = world.connect().await;
        client.say("USER alice\r\n").await;
        client.rest().await;
        world.empty().await;
    });
}

#[test]
fn sessions_are_resumed_and_both_versions_spoken() {
    run(async {
        let (_dir, tls) = tls();
        let world = World::start(Plan { tls: Some(tls), implicit_tls: true, ..Plan::default() }).await;
        for (version, name, exporter) in
            [(&rustls::version::TLS13, "TLSv1.3", true), (&rustls::version::TLS12, "TLSv1.2", false)]
        {
            let config = config(version);
            let mut kinds = Vec::new();
            for _ in 0..2 {
                let mut client = shake(&config, world.connect().await.0).await;
                client.expect("hello\r\n").await;
                client.say("tls\r\n").await;
                let tls = client.line().await;
                assert!(tls.contains(name) && tls.contains("cipher: \"TLS_"), "{tls}");
                let bound = client.0.get_ref().1;
                let bound = bound.export_keying_material([0; 32], b"EXPORTER-Channel-Binding", None);
                let bound = format!("exporter: Some({:?})", bound.expect("a secret"));
                assert_eq!(tls.contains(&bound), exporter, "{tls}");
                client.say("quit\r\n").await;
                // `rest` ends well only with close_notify.
                let mut rest = String::new();
                client.0.read_to_string(&mut rest).await.expect("a proper end");
                assert_eq!(rest, "bye\r\n");
                kinds.push(client.0.get_ref().1.handshake_kind());
            }
            assert!(matches!(kinds[0], Some(HandshakeKind::Full | HandshakeKind::FullWithHelloRetryRequest)));
            assert_eq!(kinds[1], Some(HandshakeKind::Resumed), "{name}");
        }
    });
}

#[test]
fn the_next_handshake_uses_what_was_read_again() {
    run(async {
        let (dir, tls) = tls();
        let world =
            World::start(Plan { tls: Some(tls.clone()), implicit_tls: true, ..Plan::default() }).await;
        let presented = async || {
            let client = connect(&world).await;
            client.0.get_ref().1.peer_certificates().expect("a certificate")[0].clone().into_owned()
        };
        let first = presented().await;
        let mut before = connect(&world).await;
        before.expect("hello\r\n").await;
        std::fs::remove_file(dir.path().join("self-signed.pem")).expect("removed");
        tls_in(dir.path());
        let certificates = tls.certificates();
        assert!(matches!(
            certificates.reload_if_changed(Timestamp::from_seconds(1_790_000_000)),
            Some(Ok(()))
        ));
        assert_ne!(presented().await, first);
        before.say("echo unharmed\r\n").await;
        before.expect("unharmed\r\n").await;
    });
}

#[test]
fn the_files_are_looked_at_from_time_to_time() {
    run(async {
        let (dir, tls) = tls();
        let clock = Arc::new(ManualClock::new(Timestamp::from_seconds(1_790_000_000)));
        let watching = actix_rt::spawn(tls.certificates().clone().watch(Ticker::new(clock.clone())));
        let world = World::start(Plan { tls: Some(tls), implicit_tls: true, ..Plan::default() }).await;
        let presented = async || {
            let client = connect(&world).await;
            client.0.get_ref().1.peer_certificates().expect("a certificate")[0].clone().into_owned()
        };
        let first = presented().await;
        std::fs::remove_file(dir.path().join("self-signed.pem")).expect("removed");
        tls_in(dir.path());
        while presented().await == first {
            clock.advance(Duration::from_secs(30));
        }
        watching.abort();
    });
}
