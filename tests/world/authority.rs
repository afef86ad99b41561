//! A certificate authority that the stage trusts.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::rig::run;

const NEW_KEY: [&str; 6] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-batch"];

/// Signs certificates.
pub(crate) struct Authority {
    dir: PathBuf,
}

impl Authority {
    pub(crate) fn new(dir: &Path) -> Authority {
        let dir = dir.join("authority");
        fs::create_dir_all(&dir).expect("a directory in a temporary one");
        let authority = Authority { dir };
        let mut args =
            vec!["req", "-x509", "-keyout", "authority.key", "-out", "authority.pem", "-days", "30"];
        args.extend(NEW_KEY);
        args.extend(["-subj", "/CN=The world's authority", "-addext", "basicConstraints=critical,CA:true"]);
        authority.openssl(&args);
        authority
    }

    fn openssl(&self, args: &[&str]) -> String {
        run("openssl", args, &self.dir, b"").expect_success("openssl")
    }

    /// The file to trust.
    pub(crate) fn trusted(&self) -> String {
        self.dir.join("authority.pem").to_string_lossy().into_owned()
    }

    /// A certificate for these names, and its key; everybody may read both.
    pub(crate) fn certificate(&self, names: &[&str]) -> (String, String) {
        let [key, request, certificate, extensions] =
            ["key", "csr", "pem", "ext"].map(|kind| format!("{}.{kind}", names[0]));
        let subject = format!("/CN={}", names[0]);
        let alternatives: Vec<_> = names.iter().map(|name| format!("DNS:{name}")).collect();
        fs::write(self.dir.join(&extensions), format!("subjectAltName={}\n", alternatives.join(",")))
            .expect("a file in one's own directory");
        let mut args = vec!["req", "-keyout", &key, "-out", &request, "-subj", &subject];
        args.extend(NEW_KEY);
        self.openssl(&args);
        self.openssl(&[
            "x509",
            "-req",
            "-in",
            &request,
            "-CA",
            "authority.pem",
            "-CAkey",
            "authority.key",
            "-CAcreateserial",
            "-days",
            "20",
            "-out",
            &certificate,
            "-extfile",
            &extensions,
        ]);
        let path = |name: &str| self.dir.join(name).to_string_lossy().into_owned();
        fs::set_permissions(path(&key), fs::Permissions::from_mode(0o644)).expect("one's own file");
        (path(&certificate), path(&key))
    }

    /// `3 1 1 …` of a certificate (RFC 6698).
    pub(crate) fn tlsa(&self, certificate: &str) -> String {
        let script = format!(
            "openssl x509 -in '{certificate}' -pubkey -noout | openssl pkey -pubin -outform DER | openssl dgst -sha256 -r"
        );
        let digest = run("sh", &["-c", &script], &self.dir, b"").expect_success("the digest of a key");
        format!("3 1 1 {}", digest.split_whitespace().next().expect("a digest"))
    }
}
