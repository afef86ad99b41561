//! Logs, by `tracing` to standard error, as text for people or as JSON (SPEC O4, `POSTERN_LOG`, `POSTERN_LOG_FORMAT`).
//!
//! No password, token or body is ever logged. What Postern's own code logs is written with that in mind; libraries
//! are not, so nothing below `info` of theirs is let through, whatever the filter says.

use std::io::IsTerminal as _;

use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::{EnvFilter, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, Registry, fmt};

use crate::config::{Config, LogFormat};

/// Starts logging to standard error, once for the process; a second call changes nothing.
pub fn init(config: &Config) {
    let colours = std::io::stderr().is_terminal();
    // It fails only where a subscriber is set already.
    let _ = subscriber(&config.log, config.log_format, colours, std::io::stderr).try_init();
}

/// What turns events into lines that `writer` takes. A filter that can't be read counts as `info`; the configuration
/// has refused it before.
fn subscriber<W>(
    filter: &str,
    format: LogFormat,
    colours: bool,
    writer: W,
) -> impl Subscriber + Send + Sync + use<W>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::builder().parse(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = match format {
        LogFormat::Text => fmt::layer().with_ansi(colours).with_writer(writer).boxed(),
        LogFormat::Json => fmt::layer().json().flatten_event(true).with_writer(writer).boxed(),
    };
    Registry::default().with(filter).with(lines.with_filter(filter_fn(may_be_logged)))
}

/// Keeps libraries from logging what passes through them.
fn may_be_logged(metadata: &Metadata<'_>) -> bool {
    let ours = metadata
        .target()
        .split("::")
        .next()
        .is_some_and(|crate_name| crate_name == "postern" || crate_name.starts_with("postern_"));
    ours || *metadata.level() <= Level::INFO
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("no panic while writing").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(filter: &str, format: LogFormat, say: impl FnOnce()) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = subscriber(filter, format, false, move || writer.clone());
        tracing::subscriber::with_default(subscriber, say);
        let bytes = lines.0.lock().expect("no panic while writing").clone();
        String::from_utf8(bytes).expect("UTF-8")
    }

    #[test]
    fn the_filter_decides_what_is_logged() {
        let say = || {
            tracing::info!("started");
            tracing::debug!("detail");
        };
        assert!(!logged("info", LogFormat::Text, say).contains("detail"));
        assert!(logged("debug", LogFormat::Text, say).contains("detail"));
        assert_eq!(logged("off", LogFormat::Text, say), "");
    }

    #[test]
    fn json_is_one_object_a_line_with_its_spans() {
        let text = logged("info", LogFormat::Json, || {
            let span = tracing::info_span!("session", session = 7);
            span.in_scope(|| tracing::info!(account = "a@b.test", "logged in"));
        });
        let line: serde_json::Value = serde_json::from_str(text.trim()).expect("one JSON object");
        assert_eq!(line["message"], "logged in");
        assert_eq!(line["account"], "a@b.test");
        assert_eq!(line["span"]["session"], 7);
    }

    #[test]
    fn libraries_are_silent_below_info() {
        let text = logged("trace", LogFormat::Text, || {
            tracing::debug!(target: "rustls::conn", "hunter2");
            tracing::trace!(target: "sled::tree", "hunter2");
            tracing::trace!(target: "posterntools", "hunter2");
            tracing::info!(target: "sled", "a library speaks");
            tracing::trace!(target: "postern_actors::auth", "ours");
        });
        assert!(!text.contains("hunter2"), "{text}");
        assert!(text.contains("a library speaks") && text.contains("ours"), "{text}");
    }
}
