//! The trial server's furniture (SPEC O3): a domain with two accounts, free ports, and a page that says how to connect.

use std::fmt::Write as _;
use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;

use postern_actors::admin::{AccessChange, AdminError, AdminRequest, Secret};
use postern_model::Protocol;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::config::{Config, Listen, Origin};

const DOMAIN: &str = "demo.test";
const ADDRESSES: [&str; 2] = ["alice@demo.test", "bob@demo.test"];
/// Characters that need no quotes anywhere and are not mistaken for each other: 32, so five bits each.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// 80 bits.
const PASSWORD_LENGTH: usize = 16;

/// An account of the demo, with the password of this start.
pub struct DemoAccount {
    /// Its address.
    pub address: &'static str,
    /// Its password.
    pub password: Zeroizing<String>,
}

/// What the banner tells.
pub struct DemoInfo {
    /// Where the data is.
    pub data_dir: PathBuf,
    /// Where the server listens.
    pub listen: Listen,
    /// The self-signed certificate's file, for programs that are to trust it.
    pub certificate: PathBuf,
    /// Alice's account and Bob's.
    pub accounts: [DemoAccount; 2],
}

/// Puts a free port in the place of each of the demo's own that somebody has; those that were set are left alone.
pub fn free_ports(config: &mut Config) {
    let is_default =
        |variable: &str| config.effective().iter().any(|e| e.name == variable && e.origin == Origin::Default);
    let movable = config.listen.all().map(|(variable, _)| is_default(variable));
    let listen = &mut config.listen;
    let services = [
        &mut listen.pop3,
        &mut listen.pop3s,
        &mut listen.submission,
        &mut listen.submissions,
        &mut listen.smtp,
        &mut listen.imap,
        &mut listen.imaps,
    ];
    for (addresses, movable) in services.into_iter().zip(movable) {
        for address in addresses.iter_mut().filter(|_| movable) {
            *address = free_port(*address);
        }
    }
}

/// `wanted`, or the same address with a port that is free; where there is none, binding will say so.
fn free_port(wanted: SocketAddr) -> SocketAddr {
    let any = SocketAddr::new(wanted.ip(), 0);
    [wanted, any]
        .iter()
        .find_map(|address| TcpListener::bind(address).and_then(|listener| listener.local_addr()).ok())
        .unwrap_or(wanted)
}

/// Makes the demo's domain and accounts where they are missing, gives them new passwords and opens their access, all
/// by what `ask` carries out.
///
/// # Errors
/// The first request that was not carried out.
pub async fn furnish<F>(ask: impl Fn(AdminRequest) -> F) -> Result<[DemoAccount; 2], AdminError>
where
    F: Future<Output = Result<Value, AdminError>>,
{
    // It is there from the second start on; where it can't be made, the accounts can't either, and say why.
    let _ = ask(AdminRequest::DomainAdd { domain: DOMAIN.to_owned() }).await;
    let [alice, bob] = ADDRESSES;
    Ok([furnish_account(alice, &ask).await?, furnish_account(bob, &ask).await?])
}

async fn furnish_account<F>(
    address: &'static str,
    ask: &impl Fn(AdminRequest) -> F,
) -> Result<DemoAccount, AdminError>
where
    F: Future<Output = Result<Value, AdminError>>,
{
    let password = random_password()?;
    let secret = Secret(password.clone());
    let named = || address.to_owned();
    let exists = ask(AdminRequest::AccountShow { address: named() }).await.is_ok();
    ask(if exists {
        AdminRequest::SetPassword { address: named(), password: secret }
    } else {
        AdminRequest::AccountAdd { address: named(), plan: None, password: Some(secret) }
    })
    .await?;
    ask(AdminRequest::SetAccess {
        address: named(),
        change: AccessChange::On,
        protocols: Protocol::ALL.to_vec(),
        now: true,
        reason: None,
        as_user: false,
    })
    .await?;
    Ok(DemoAccount { address, password })
}

fn random_password() -> Result<Zeroizing<String>, AdminError> {
    let mut bytes = Zeroizing::new([0; PASSWORD_LENGTH]);
    getrandom::fill(bytes.as_mut())
        .map_err(|error| AdminError(format!("the system gives no random numbers ({error})")))?;
    Ok(Zeroizing::new(bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect()))
}

/// What `postern demo` prints: that it is a trial, the accounts, and how to connect.
pub fn demo_banner(info: &DemoInfo) -> String {
    let [alice, bob] = &info.accounts;
    let mut page = format!(
        "\
Postern's demo is running. THIS DATA IS FOR TRIAL ONLY: it is in {}; delete that directory to start afresh.
It listens on this machine alone. The passwords are new with every start:

  {}   password {}
  {}     password {}
",
        info.data_dir.display(),
        alice.address,
        *alice.password,
        bob.address,
        *bob.password,
    );
    curl(&mut page, info);
    thunderbird(&mut page, info);
    let _ = write!(
        page,
        "
Change accounts from another shell, and see it act at once:

  POSTERN_DATA_DIR={} postern account list

End it with Ctrl-C.
",
        shell_quoted(&info.data_dir.to_string_lossy()),
    );
    page
}

/// Lines for a shell: Alice sends a letter, Bob takes it.
fn curl(page: &mut String, info: &DemoInfo) {
    let [alice, bob] = &info.accounts;
    let trust = format!("--cacert {}", shell_quoted(&info.certificate.to_string_lossy()));
    if let Some(smtps) = info.listen.submissions.first() {
        let _ = write!(
            page,
            "
Send a letter from Alice to Bob with curl:

  printf 'From: {from}\\r\\nTo: {to}\\r\\nSubject: The first letter\\r\\n\\r\\nHello, Bob!\\r\\n' | \\
    curl {trust} --url smtps://{smtps} --user {from}:{password} \\
      --mail-from {from} --mail-rcpt {to} --upload-file -
",
            from = alice.address,
            to = bob.address,
            password = *alice.password,
        );
    }
    if let Some(pop3s) = info.listen.pop3s.first() {
        let _ = write!(
            page,
            "
List what Bob has got, and fetch the first letter (mail may be checked once in a few minutes):

  curl {trust} --user {user}:{password} \\
    pop3s://{pop3s}/ pop3s://{pop3s}/1
",
            user = bob.address,
            password = *bob.password,
        );
    }
}

/// What to fill in by hand.
fn thunderbird(page: &mut String, info: &DemoInfo) {
    let services = [
        ("Incoming: IMAP", &info.listen.imaps, "SSL/TLS"),
        ("      or: IMAP", &info.listen.imap, "STARTTLS"),
        ("Incoming: POP3", &info.listen.pop3s, "SSL/TLS"),
        ("      or: POP3", &info.listen.pop3, "STARTTLS"),
        ("Outgoing: SMTP", &info.listen.submissions, "SSL/TLS"),
        ("      or: SMTP", &info.listen.submission, "STARTTLS"),
    ];
    page.push_str(
        "
In Thunderbird: New Account > Existing Mail > Configure manually; accept the self-signed certificate when asked.

",
    );
    for (label, addresses, security) in services {
        for address in addresses {
            let _ = writeln!(
                page,
                "  {label}, server {}, port {}, {security}, normal password",
                address.ip(),
                address.port()
            );
        }
    }
    page.push_str("  User name: the full address\n");
    for address in &info.listen.smtp {
        let _ = writeln!(page, "\nLetters from other servers would come in at {address}.");
    }
}

/// For a POSIX shell; plain where nothing in it means anything to one.
fn shell_quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,:@%".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::config::{Machine, Purpose};

    fn config(variables: &[(&str, &str)]) -> Config {
        let machine = Machine { name: "trial".into(), cores: 1, ipv6: false };
        let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        Config::read(variables, &machine, Purpose::Demo).expect("a demo's configuration")
    }

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
    }

    #[test]
    fn a_port_in_use_gives_way_unless_it_was_set() {
        let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = taken.local_addr().expect("its address");
        assert_ne!(free_port(address), address);
        assert_eq!(free_port(address).ip(), address.ip());

        let text = address.to_string();
        let mut config = config(&[("POSTERN_LISTEN_POP3S", &text)]);
        free_ports(&mut config);
        assert_eq!(config.listen.pop3s, [address], "what was set stays");
        assert!(config.listen.smtp.iter().all(|a| a.port() != 0 && a.ip().is_loopback()));
    }

    #[test]
    fn the_first_start_makes_accounts_and_later_ones_change_passwords() {
        let asked = RefCell::new(Vec::new());
        let exists = RefCell::new(false);
        let ask = |request: AdminRequest| {
            let document = serde_json::to_value(&request).expect("JSON");
            asked.borrow_mut().push(document["ask"].as_str().unwrap_or_default().to_owned());
            let missing = matches!(request, AdminRequest::AccountShow { .. }) && !*exists.borrow();
            let there = matches!(request, AdminRequest::DomainAdd { .. }) && *exists.borrow();
            std::future::ready(if missing || there {
                Err(AdminError("no".to_owned()))
            } else {
                Ok(Value::Null)
            })
        };
        let first = run(furnish(ask)).expect("furnished");
        assert_eq!(
            asked.take(),
            [
                "domain-add",
                "account-show",
                "account-add",
                "set-access",
                "account-show",
                "account-add",
                "set-access"
            ]
        );
        exists.replace(true);
        let second = run(furnish(ask)).expect("furnished again");
        assert!(asked.take().contains(&"set-password".to_owned()));
        assert_ne!(*first[0].password, *first[1].password);
        assert_ne!(*first[0].password, *second[0].password);
    }

    #[test]
    fn what_could_not_be_made_is_said() {
        let nothing = |_| std::future::ready(Err(AdminError("the disk is full".to_owned())));
        assert_eq!(run(furnish(nothing)).err(), Some(AdminError("the disk is full".to_owned())));
    }

    #[test]
    fn the_banner_says_how_to_connect() {
        let account =
            |address, password: &str| DemoAccount { address, password: Zeroizing::new(password.to_owned()) };
        let banner = demo_banner(&DemoInfo {
            data_dir: "./postern-demo".into(),
            listen: config(&[("POSTERN_LISTEN_POP3", "off")]).listen,
            certificate: "./my demo/self-signed.pem".into(),
            accounts: [account("alice@demo.test", "aaaa"), account("bob@demo.test", "bbbb")],
        });
        for text in [
            "THIS DATA IS FOR TRIAL ONLY",
            "curl --cacert './my demo/self-signed.pem' --url smtps://127.0.0.1:10465 --user alice@demo.test:aaaa",
            "--user bob@demo.test:bbbb \\\n    pop3s://127.0.0.1:10995/ pop3s://127.0.0.1:10995/1",
            "Incoming: IMAP, server 127.0.0.1, port 10993, SSL/TLS",
            "Outgoing: SMTP, server 127.0.0.1, port 10465, SSL/TLS",
        ] {
            assert!(banner.contains(text), "{text} is missing in\n{banner}");
        }
        assert!(!banner.contains("or: POP3"), "a service that is off is not named");
        assert!(banner.lines().all(|line| line.len() <= 120), "{banner}");
    }

    #[test]
    fn passwords_need_no_quotes() {
        let password = random_password().expect("random numbers");
        assert_eq!(password.len(), PASSWORD_LENGTH);
        assert!(password.bytes().all(|b| ALPHABET.contains(&b)));
        assert_eq!(shell_quoted("it's"), r"'it'\''s'");
    }
}
