//! Where the words come from: the built-in file of each language, and an operator's in front of it.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use fluent_bundle::FluentResource;

use super::check::{self, TemplateError, TemplateErrors};

/// The messages of one language.
pub(super) type Bundle = fluent_bundle::concurrent::FluentBundle<FluentResource>;

/// The language of users whose own is not here.
const DEFAULT: (&str, &str) = ("en", include_str!("templates/en.ftl"));
const OTHERS: [(&str, &str); 2] =
    [("lv", include_str!("templates/lv.ftl")), ("ru", include_str!("templates/ru.ftl"))];

/// The largest file that is read; the built-in ones are a fiftieth of it.
const LARGEST: u64 = 1 << 20;

/// The messages of all languages.
pub(super) struct Templates {
    default: Bundle,
    others: Vec<(&'static str, Bundle)>,
}

impl std::fmt::Debug for Templates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Templates").finish_non_exhaustive()
    }
}

impl Templates {
    /// The built-in messages, with those of the directory's files in their place.
    pub(super) fn load(directory: Option<&Path>) -> Result<Templates, TemplateErrors> {
        let mut errors = directory.map_or_else(Vec::new, strangers);
        let mut bundle = |(language, built_in): (&'static str, &str)| {
            let mut bundle = Bundle::new_concurrent(vec![language.parse().unwrap_or_default()]);
            // Letters are plain text; marks around what is filled in would be seen or stumbled over.
            bundle.set_use_isolating(false);
            let file = format!("the built-in {language}.ftl");
            errors.extend(add(&mut bundle, Path::new(&file), built_in.to_owned()));
            if let Some(directory) = directory {
                let path = directory.join(format!("{language}.ftl"));
                match read(&path) {
                    Ok(Some(text)) => errors.extend(add(&mut bundle, &path, text)),
                    Ok(None) => {}
                    Err(error) => errors.push(error),
                }
            }
            bundle
        };
        let default = bundle(DEFAULT);
        let others = OTHERS.into_iter().map(|file| (file.0, bundle(file))).collect();
        if errors.is_empty() { Ok(Templates { default, others }) } else { Err(TemplateErrors(errors)) }
    }

    /// The messages of a language, and which it really is: a language that is not here is English.
    pub(super) fn of(&self, language: &str) -> (&'static str, &Bundle) {
        let found = self.others.iter().find(|(name, _)| *name == language);
        found.map_or((DEFAULT.0, &self.default), |(name, bundle)| (name, bundle))
    }
}

/// Puts a file's messages in front of those that are there; returns what is wrong with it.
fn add(bundle: &mut Bundle, path: &Path, text: String) -> Vec<TemplateError> {
    match check::parse(path, text) {
        Ok(resource) => {
            bundle.add_resource_overriding(resource);
            Vec::new()
        }
        Err(errors) => errors,
    }
}

/// What is wrong with the directory itself: it can't be read, or a file looks like a template and would never be used.
fn strangers(directory: &Path) -> Vec<TemplateError> {
    let unread = |error: std::io::Error| {
        let cure = "set POSTERN_TEMPLATES to a directory that the server may read, or leave it out";
        vec![TemplateError::new(directory, None, format!("can't be read: {error}"), cure)]
    };
    let entries = fs::read_dir(directory).and_then(|entries| {
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<PathBuf>, _>>()
    });
    let mut names = match entries {
        Ok(names) => names,
        Err(error) => return unread(error),
    };
    names.retain(|path| path.extension().is_some_and(|extension| extension == "ftl"));
    names.retain(|path| !path.file_stem().is_some_and(|stem| is_language(&stem.to_string_lossy())));
    names.sort();
    let cure = "name it en.ftl, lv.ftl or ru.ftl, or move it away";
    names
        .iter()
        .map(|path| TemplateError::new(path, None, "is in no language of the letters", cure))
        .collect()
}

fn is_language(name: &str) -> bool {
    name == DEFAULT.0 || OTHERS.iter().any(|(language, _)| *language == name)
}

/// A file's text; `None` where there is no such file.
fn read(path: &Path) -> Result<Option<String>, TemplateError> {
    let failed = |error: std::io::Error| {
        TemplateError::new(
            path,
            None,
            format!("can't be read: {error}"),
            "let the server read it, or move it away",
        )
    };
    let metadata = match fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        metadata => metadata.map_err(failed)?,
    };
    if !metadata.is_file() || metadata.len() > LARGEST {
        let reason = "is no file of templates: it is larger than 1 MiB, or no file at all";
        return Err(TemplateError::new(path, None, reason, "move it away"));
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(LARGEST).read_to_end(&mut bytes)).map_err(failed)?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let line = check::line_at(error.as_bytes(), error.utf8_error().valid_up_to());
        TemplateError::new(path, Some(line), "is not UTF-8", "save the file as UTF-8")
    })?;
    // Some editors begin UTF-8 with a byte order mark.
    Ok(Some(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    }))
}
