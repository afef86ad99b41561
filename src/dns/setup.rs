//! The resolvers that the configuration names.

use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::dnssec::TrustAnchors;
use hickory_resolver::system_conf::read_system_conf;
use lru::LruCache;
use tokio::sync::Mutex;

use super::{ABSENT_MOST, Dns, Net, Signatures, Source};
use crate::config::{Out, Resolver};

/// How long one resolver may take for one question.
const PATIENCE: Duration = Duration::from_secs(5);
/// Answers that are remembered, for as long as they may be and an hour at most.
const CACHE: u64 = 10_000;
const LONGEST: Duration = Duration::from_secs(3600);
/// How long it is remembered at most that something isn't there.
const LONGEST_LACK: Duration = Duration::from_secs(300);

impl Dns {
    /// The handle that the configuration asks for; `None` where nobody is to be asked (`POSTERN_RESOLVER=none`).
    ///
    /// # Errors
    /// What stands against it, in a line that names the cure.
    pub fn start(out: &Out) -> Result<Option<Dns>, String> {
        let servers = match &out.resolver {
            Resolver::None => return Ok(None),
            Resolver::Servers(addresses) => {
                let server = |address: &std::net::SocketAddr| {
                    let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
                    connections.iter_mut().for_each(|connection| connection.port = address.port());
                    NameServerConfig::new(address.ip(), true, connections)
                };
                ResolverConfig::from_parts(None, Vec::new(), addresses.iter().map(server).collect())
            }
            Resolver::System => {
                let (config, _) = read_system_conf().map_err(|error| {
                    format!(
                        "POSTERN_RESOLVER: the system's resolvers can't be read ({error}); name them, or none"
                    )
                })?;
                // Names in the DNS of mail are whole: no search list is to be tried on them.
                ResolverConfig::from_parts(None, Vec::new(), config.name_servers().to_vec())
            }
        };
        let anchors = Arc::new(match &out.trust_anchor {
            None => TrustAnchors::default(),
            Some(path) => TrustAnchors::from_file(path)
                .map_err(|error| format!("POSTERN_TRUST_ANCHOR: {}: {error}", path.display()))?,
        });
        if anchors.is_empty() {
            return Err("POSTERN_TRUST_ANCHOR: it holds no DNSKEY record of the root".to_owned());
        }
        let plain = resolver(servers.clone(), None).map_err(|error| format!("POSTERN_RESOLVER: {error}"))?;
        let checking =
            resolver(servers, Some(anchors)).map_err(|error| format!("POSTERN_RESOLVER: {error}"))?;
        let signatures = Mutex::new(Signatures::Unknown);
        let lacks = std::sync::Mutex::new(LruCache::new(ABSENT_MOST));
        Ok(Some(Dns(Arc::new(Source::Net(Box::new(Net { checking, plain, signatures, lacks }))))))
    }
}

fn resolver(
    servers: ResolverConfig,
    anchors: Option<Arc<TrustAnchors>>,
) -> Result<TokioResolver, hickory_resolver::net::NetError> {
    let mut builder = TokioResolver::builder_with_config(servers, TokioRuntimeProvider::default());
    if let Some(anchors) = anchors {
        builder = builder.with_trust_anchor(anchors);
    }
    let options: &mut ResolverOpts = builder.options_mut();
    options.timeout = PATIENCE;
    options.attempts = 2;
    options.edns0 = true;
    options.cache_size = CACHE;
    options.positive_max_ttl = Some(LONGEST);
    options.negative_max_ttl = Some(LONGEST_LACK);
    options.use_hosts_file = ResolveHosts::Never;
    options.preserve_intermediates = true;
    builder.build()
}
