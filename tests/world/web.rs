//! A web server with a policy per name (RFC 8461), and one that takes reports by POST.

use std::fs;

use super::{Authority, Daemon, Stage};
use crate::rig::patiently;

/// Where it listens.
const ADDRESS: &str = "10.77.0.80";

/// The web of the stage.
pub(crate) struct Web {
    _daemon: Daemon,
}

impl Web {
    /// Serves each name's policy under https.
    pub(crate) fn start(stage: &Stage, authority: &Authority, policies: &[(&str, String)]) -> Web {
        let dir = stage.room("web", None);
        let names: Vec<&str> = policies.iter().map(|(name, _)| *name).collect();
        for (name, policy) in policies {
            fs::write(dir.join(name), policy).expect("a policy");
        }
        let (certificate, key) = authority.certificate(&names);
        let path = dir.join("web.py");
        fs::write(&path, SCRIPT).expect("a script");
        let (path, dir) = (path.to_string_lossy(), dir.to_string_lossy());
        let daemon = stage.daemon("web", "python3", &[&path, ADDRESS, &dir, &certificate, &key], &[]);
        let url = format!("https://{ADDRESS}/.well-known/mta-sts.txt");
        patiently("the web listens", || {
            (stage.home("curl", &["--silent", "--insecure", &url]).code == Some(0)).then_some(())
        });
        Web { _daemon: daemon }
    }
}

const SCRIPT: &str = r#"
import http.server, os, ssl, sys
address, root, certificate, key = sys.argv[1:]

class Policies(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        path = os.path.join(root, os.path.basename(self.headers.get("Host", "").split(":")[0]))
        if self.path == "/.well-known/mta-sts.txt" and os.path.isfile(path):
            body = open(path, "rb").read()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain")
        else:
            body = b"nothing here"
            self.send_response(404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

server = http.server.ThreadingHTTPServer((address, 443), Policies)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"#;
