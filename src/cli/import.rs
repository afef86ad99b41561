//! Reads files of accounts from elsewhere (SPEC I6): CSV lines `address,plan,hash`, or Dovecot's passwd-file.
//! Every bad line is reported with its number; what it holds is not repeated, for there are hashes in it.

use std::io::{self, Read};

use postern_actors::admin::{ImportRow, Secret};
use postern_model::EmailAddress;
use zeroize::Zeroizing;

use super::args::ImportFormat;

/// The largest file, in octets; a request over the control socket can't be longer.
const LARGEST_FILE: u64 = 16 << 20;

/// What a file holds.
#[derive(Default)]
pub(super) struct Import {
    /// Lines that are well formed.
    pub(super) rows: Vec<ImportRow>,
    /// Lines that are not, as `line 3: reason`.
    pub(super) bad: Vec<String>,
}

/// Reads a whole file; `plan` is for lines that name none.
///
/// # Errors
/// The file can't be read, or is larger than 16 MiB.
pub(super) fn read(file: impl Read, format: ImportFormat, plan: Option<&str>) -> io::Result<Import> {
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(LARGEST_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(io::Error::other("it is larger than 16 MiB; split it into several files"));
    }
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let mut import = Import::default();
    for (number, bytes) in (1..).zip(text.split(|b| *b == b'\n')) {
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        let row = match std::str::from_utf8(bytes) {
            Ok(line) if is_silent(line, number, format) => continue,
            Ok(line) => row(line, number, format, plan),
            Err(_) => Err("it is not UTF-8".to_owned()),
        };
        match row {
            Ok(row) => import.rows.push(row),
            Err(reason) => import.bad.push(format!("line {number}: {reason}")),
        }
    }
    Ok(import)
}

/// Empty lines, comments of a passwd-file, and a CSV file's header.
fn is_silent(line: &str, number: u64, format: ImportFormat) -> bool {
    line.trim().is_empty()
        || match format {
            ImportFormat::Csv => number == 1 && line.eq_ignore_ascii_case("address,plan,hash"),
            ImportFormat::PasswdFile => line.starts_with('#'),
        }
}

fn row(line: &str, number: u64, format: ImportFormat, plan: Option<&str>) -> Result<ImportRow, String> {
    let (address, named_plan, hash) = match format {
        ImportFormat::Csv => csv(line)?,
        ImportFormat::PasswdFile => passwd(line)?,
    };
    EmailAddress::parse(&address).map_err(|error| format!("no good address: {error}"))?;
    if hash.is_empty() {
        return Err("no password hash; a password itself is written {PLAIN}password".to_owned());
    }
    let plan = Some(named_plan).filter(|name| !name.is_empty()).or_else(|| plan.map(str::to_owned));
    Ok(ImportRow { line: number, address, plan, hash: Secret(hash) })
}

type Fields = (String, String, Zeroizing<String>);

fn csv(line: &str) -> Result<Fields, String> {
    let mut fields = csv_fields(line)?;
    let count = fields.len();
    match (fields.pop(), fields.pop(), fields.pop(), fields.pop()) {
        (Some(hash), Some(plan), Some(address), None) => {
            Ok((address.trim().to_owned(), plan.trim().to_owned(), hash))
        }
        _ => Err(format!(
            "{count} fields instead of address,plan,hash; a hash with commas stands in double quotes"
        )),
    }
}

/// The fields of a line (RFC 4180, without line ends inside quotes).
fn csv_fields(line: &str) -> Result<Vec<Zeroizing<String>>, String> {
    let mut fields = Vec::new();
    let mut rest = line;
    loop {
        let mut field = Zeroizing::new(String::new());
        if let Some(mut inside) = rest.strip_prefix('"') {
            loop {
                let end = inside.find('"').ok_or("a quote does not end")?;
                field.push_str(&inside[..end]);
                inside = &inside[end + 1..];
                match inside.strip_prefix('"') {
                    Some(further) => {
                        field.push('"');
                        inside = further;
                    }
                    None => break,
                }
            }
            rest = inside;
        } else {
            let end = rest.find(',').unwrap_or(rest.len());
            field.push_str(&rest[..end]);
            rest = &rest[end..];
        }
        fields.push(field);
        match rest.strip_prefix(',') {
            Some(further) => rest = further,
            None if rest.is_empty() => return Ok(fields),
            None => return Err("something stands behind a closing quote".to_owned()),
        }
    }
}

/// `user:hash:uid:gid:gecos:home:shell:extra`, of which the first two count.
fn passwd(line: &str) -> Result<Fields, String> {
    let mut fields = line.split(':');
    match (fields.next(), fields.next()) {
        (Some(address), Some(hash)) => {
            Ok((address.trim().to_owned(), String::new(), Zeroizing::new(hash.to_owned())))
        }
        _ => Err("no colon; write address:hash".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Line, address, plan, hash.
    type Row = (u64, String, Option<String>, String);

    fn import(text: &str, format: ImportFormat) -> (Vec<Row>, Vec<String>) {
        let import = read(text.as_bytes(), format, None).expect("small enough");
        let rows = import
            .rows
            .into_iter()
            .map(|row| (row.line, row.address, row.plan, row.hash.0.to_string()))
            .collect();
        (rows, import.bad)
    }

    #[test]
    fn csv_lines() {
        let (rows, bad) = import(
            "\u{feff}address,plan,hash\r\n\
             a@b.test,plus,$6$salt$hash\r\n\
             \r\n\
             b@b.test,,\"$argon2id$v=19$m=1,t=2,p=1$x$y\"\n\
             \"c@b.test\",free,\"{PLAIN}say \"\"hi\"\"\"",
            ImportFormat::Csv,
        );
        assert!(bad.is_empty(), "{bad:?}");
        assert_eq!(rows[0], (2, "a@b.test".into(), Some("plus".into()), "$6$salt$hash".into()));
        assert_eq!(rows[1], (4, "b@b.test".into(), None, "$argon2id$v=19$m=1,t=2,p=1$x$y".into()));
        assert_eq!(rows[2].3, "{PLAIN}say \"hi\"");
    }

    #[test]
    fn a_header_stands_on_the_first_line_only() {
        let (_, bad) = import("a@b.test,,{PLAIN}x\naddress,plan,hash", ImportFormat::Csv);
        assert!(bad.len() == 1 && bad[0].starts_with("line 2: "), "{bad:?}");
    }

    #[test]
    fn every_bad_line_is_named_and_repeats_nothing() {
        let text = b"a@b.test,free\n\
            b@b.test,free,$argon2id$v=19$m=1,t=2\n\
            no-domain,free,hunter2\n\
            c@b.test,free,\n\
            c@b.test,free,\"hunter2\n\
            \"c@b.test\"hunter2,free,x\n\
            \xff@b.test,free,hunter2\n\
            good@b.test,free,{PLAIN}x";
        let import = read(&text[..], ImportFormat::Csv, None).expect("small enough");
        assert_eq!(import.bad.len(), 7);
        for (number, line) in (1..).zip(&import.bad) {
            assert!(line.starts_with(&format!("line {number}: ")), "{line}");
        }
        assert!(import.bad.iter().all(|bad| !bad.contains("hunter2")), "{:?}", import.bad);
        assert_eq!(import.rows.len(), 1);
    }

    #[test]
    fn passwd_lines() {
        let text =
            "# from the old server\na@b.test:{SSHA}abc:5000:5000::/home/a::\nb@b.test:$2b$05$x\nc@b.test\n";
        let (rows, bad) = import(text, ImportFormat::PasswdFile);
        assert_eq!(rows[0], (2, "a@b.test".into(), None, "{SSHA}abc".into()));
        assert_eq!(rows[1].3, "$2b$05$x");
        assert!(bad.len() == 1 && bad[0].starts_with("line 4: "), "{bad:?}");
    }

    #[test]
    fn a_plan_for_all_gives_way_to_the_lines_own() {
        let text = &b"a@b.test,,{PLAIN}x\nb@b.test,free,{PLAIN}x"[..];
        let import = read(text, ImportFormat::Csv, Some("plus")).expect("small enough");
        let plans: Vec<_> = import.rows.iter().map(|row| row.plan.as_deref()).collect();
        assert_eq!(plans, [Some("plus"), Some("free")]);
    }

    #[test]
    fn a_file_without_end_is_refused() {
        assert!(read(io::repeat(b'x'), ImportFormat::Csv, None).is_err());
    }
}
