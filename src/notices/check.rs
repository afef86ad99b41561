//! Holds a template file against the [`vocabulary`](super::vocabulary): what passes here can be filled in for every
//! notice, so that a mistake stops the start and never spoils a letter.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use fluent_bundle::FluentResource;
use fluent_syntax::ast::{Attribute, Entry, Expression, InlineExpression, Message, Pattern, PatternElement};
use fluent_syntax::ast::{Term, Variant, VariantKey};
use fluent_syntax::parser::ParserError;

use super::vocabulary::{PARTS, Row, Shape, Values};

/// Something that is wrong with a file of templates.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct TemplateError {
    /// The file, or the directory.
    pub file: PathBuf,
    /// Where in it, where it has a place.
    pub line: Option<usize>,
    /// What is wrong, without a full stop.
    pub reason: String,
    /// How to put it right.
    pub cure: String,
}

impl TemplateError {
    pub(super) fn new(
        file: &Path,
        line: Option<usize>,
        reason: impl Into<String>,
        cure: impl Into<String>,
    ) -> TemplateError {
        TemplateError { file: file.to_owned(), line, reason: reason.into(), cure: cure.into() }
    }
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, "{line}:")?;
        }
        write!(f, " {}; {}", self.reason, self.cure)
    }
}

/// All that is wrong with the files of templates, a line each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateErrors(pub Vec<TemplateError>);

impl fmt::Display for TemplateErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, error) in self.0.iter().enumerate() {
            let end = if at == 0 { "" } else { "\n" };
            write!(f, "{end}{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for TemplateErrors {}

/// The line, from 1 on, of a byte of a text.
pub(super) fn line_at(text: &[u8], offset: usize) -> usize {
    1 + text.iter().take(offset).filter(|byte| **byte == b'\n').count()
}

/// A file's messages, or all that is wrong with it.
pub(super) fn parse(file: &Path, text: String) -> Result<FluentResource, Vec<TemplateError>> {
    match FluentResource::try_new(text) {
        Ok(resource) => {
            let mut errors = Check::new(&resource).run();
            errors.sort_by_key(|wrong| wrong.offset);
            let error = |wrong: Wrong| {
                let line = line_at(resource.source().as_bytes(), wrong.offset);
                TemplateError::new(file, Some(line), wrong.reason, wrong.cure)
            };
            let errors: Vec<_> = errors.into_iter().map(error).collect();
            if errors.is_empty() { Ok(resource) } else { Err(errors) }
        }
        Err((resource, errors)) => {
            let error = |error: ParserError| {
                let line = line_at(resource.source().as_bytes(), place(&error, resource.source()));
                let cure = "correct it, or take the message away: then the built-in one is used";
                TemplateError::new(file, Some(line), format!("can't be understood: {error}"), cure)
            };
            Err(errors.into_iter().map(error).collect())
        }
    }
}

/// Where people look for what could not be parsed: the parser stands behind empty lines when it misses something.
fn place(error: &ParserError, source: &str) -> usize {
    let (at, entry) =
        (error.pos.start.min(source.len()), error.slice.as_ref().map_or(0, |slice| slice.start));
    match source.get(..at) {
        Some(before) if before.ends_with('\n') => before.trim_end().len().max(entry),
        _ => at,
    }
}

/// Something wrong, and where.
struct Wrong {
    offset: usize,
    reason: String,
    cure: String,
}

/// One file under check.
struct Check<'a> {
    resource: &'a FluentResource,
    /// Where each message and each term (with its `-`) begins.
    begins: BTreeMap<String, usize>,
    wrong: Vec<Wrong>,
}

/// What a text may name.
#[derive(Clone, Copy)]
enum Scope {
    /// What the message with this place among the rows may.
    Message(usize, &'static Row),
    /// What is above this term, which begins there.
    Term(usize),
}

impl<'a> Check<'a> {
    fn new(resource: &'a FluentResource) -> Check<'a> {
        Check { resource, begins: BTreeMap::new(), wrong: Vec::new() }
    }

    fn run(mut self) -> Vec<Wrong> {
        for entry in self.resource.entries() {
            match entry {
                Entry::Message(message) => self.begin(message.id.name.to_owned(), message.id.name),
                Entry::Term(term) => self.begin(format!("-{}", term.id.name), term.id.name),
                _ => {}
            }
        }
        for entry in self.resource.entries() {
            match entry {
                Entry::Message(message) => self.message(message),
                Entry::Term(term) => self.term(term),
                _ => {}
            }
        }
        self.wrong
    }

    fn say(&mut self, part: &str, reason: String, cure: impl Into<String>) {
        let offset = offset(self.resource.source(), part);
        self.wrong.push(Wrong { offset, reason, cure: cure.into() });
    }

    fn begin(&mut self, name: String, place: &str) {
        if self.begins.contains_key(&name) {
            self.say(place, format!("\"{name}\" is there twice"), "take one away");
        } else {
            self.begins.insert(name, offset(self.resource.source(), place));
        }
    }

    fn message(&mut self, message: &Message<&'a str>) {
        let id = message.id.name;
        let Some((at, row)) = Row::find(id) else {
            let cure = "docs/notices.md lists the messages; what only your own texts share begins with \"-\"";
            return self.say(id, format!("there is no message \"{id}\""), cure);
        };
        let scope = Scope::Message(at, row);
        match (&message.value, row.shape) {
            (Some(value), Shape::Text) => self.pattern(value, scope),
            (None, Shape::Notice) => {}
            (None, Shape::Text) => {
                self.say(id, format!("\"{id}\" has no text"), "write the text behind \"=\"");
            }
            (Some(_), Shape::Notice) => {
                let cure = "write all of it in the parts .subject, .what, .why, .how and .support";
                self.say(id, format!("the notice \"{id}\" has a text of its own"), cure);
            }
        }
        let parts: &[&str] = if row.shape == Shape::Notice { &PARTS } else { &[] };
        self.attributes(id, &message.attributes, parts);
        for attribute in &message.attributes {
            self.pattern(&attribute.value, scope);
        }
    }

    /// A message takes the whole of the built-in one's place, so it needs all the parts, each once.
    fn attributes(&mut self, id: &str, attributes: &[Attribute<&'a str>], parts: &[&str]) {
        for part in parts {
            match attributes.iter().filter(|attribute| attribute.id.name == *part).count() {
                1 => {}
                0 => {
                    let cure = "write it too: a message takes the built-in one's place as a whole";
                    self.say(id, format!("\"{id}\" has no .{part}"), cure);
                }
                _ => self.say(id, format!("\"{id}\" has two of .{part}"), "take one away"),
            }
        }
        for name in attributes.iter().map(|attribute| attribute.id.name) {
            if !parts.contains(&name) {
                let cure = "docs/notices.md lists the parts of each message; take it away";
                self.say(name, format!("\"{id}\" can't have .{name}"), cure);
            }
        }
    }

    fn term(&mut self, term: &Term<&'a str>) {
        for attribute in &term.attributes {
            let reason = format!("\"-{}\" can't have .{}", term.id.name, attribute.id.name);
            self.say(attribute.id.name, reason, "write a term of its own");
        }
        let begins = offset(self.resource.source(), term.id.name);
        self.pattern(&term.value, Scope::Term(begins));
    }

    fn pattern(&mut self, pattern: &Pattern<&'a str>, scope: Scope) {
        for element in &pattern.elements {
            if let PatternElement::Placeable { expression } = element {
                self.expression(expression, scope);
            }
        }
    }

    fn expression(&mut self, expression: &Expression<&'a str>, scope: Scope) {
        match expression {
            Expression::Inline(inline) => {
                // A term sees nothing but what it is called with, which is there to branch on (`case: "genitive"`).
                if let (InlineExpression::VariableReference { id }, Scope::Term(_)) = (inline, scope) {
                    let reason = format!("a term can't show the variable ${}", id.name);
                    self.say(id.name, reason, "write it in the messages that use the term");
                }
                self.inline(inline, scope);
            }
            Expression::Select { selector, variants } => {
                self.inline(selector, scope);
                self.branches(selector, variants, scope);
                for variant in variants {
                    self.pattern(&variant.value, scope);
                }
            }
        }
    }

    fn inline(&mut self, inline: &InlineExpression<&'a str>, scope: Scope) {
        match inline {
            InlineExpression::StringLiteral { .. } | InlineExpression::NumberLiteral { .. } => {}
            InlineExpression::Placeable { expression } => self.expression(expression, scope),
            InlineExpression::VariableReference { id } => self.variable(id.name, scope),
            InlineExpression::MessageReference { id, attribute } => {
                self.reference(id.name, attribute.as_ref().map(|a| a.name), scope);
            }
            InlineExpression::TermReference { id, attribute, .. } => {
                self.term_reference(id.name, attribute.is_some(), scope);
            }
            InlineExpression::FunctionReference { id, .. } => {
                let cure = "write the variable alone; figures and dates come ready to be read";
                self.say(id.name, format!("there is no function {}", id.name), cure);
            }
        }
    }

    fn variable(&mut self, name: &str, scope: Scope) {
        let Scope::Message(_, row) = scope else { return };
        if row.variable(name).is_none() {
            let known: Vec<_> = row.variables().map(|variable| format!("${}", variable.name)).collect();
            let cure = match known.is_empty() {
                true => "write the text without variables".to_owned(),
                false => format!("it may name {}", known.join(", ")),
            };
            self.say(name, format!("\"{}\" has no variable ${name}", row.id), cure);
        }
    }

    fn reference(&mut self, id: &str, attribute: Option<&str>, scope: Scope) {
        let named = attribute.map_or_else(|| id.to_owned(), |attribute| format!("{id}.{attribute}"));
        let (Scope::Message(at, row), Some((other_at, other))) = (scope, Row::find(id)) else {
            let cure = "docs/notices.md says what a text may refer to; a term refers to terms above it alone";
            return self.say(id, format!("\"{named}\" can't be named here"), cure);
        };
        let is_text = attribute.is_none() && other.shape == Shape::Text;
        let is_filled = other.variables().all(|variable| row.variable(variable.name).is_some());
        if !(is_text && is_filled && other_at < at) {
            let cure = "docs/notices.md says what a text may refer to";
            self.say(id, format!("\"{named}\" can't be named in \"{}\"", row.id), cure);
        }
    }

    fn term_reference(&mut self, id: &str, attribute: bool, scope: Scope) {
        let begins = self.begins.get(&format!("-{id}")).copied();
        match (begins, scope) {
            _ if attribute => {
                self.say(
                    id,
                    format!("\"-{id}\" has no parts"),
                    "name it without the dot and what is behind it",
                );
            }
            (None, _) => {
                let cure = "write the term in this file, or correct its name";
                self.say(id, format!("there is no term \"-{id}\""), cure);
            }
            // So no term can name itself, not even by way of others.
            (Some(begins), Scope::Term(own)) if begins >= own => {
                self.say(id, format!("the term \"-{id}\" is named before it is written"), "move it up");
            }
            _ => {}
        }
    }

    /// A branch that is never taken is a mistyped one.
    fn branches(
        &mut self,
        selector: &InlineExpression<&'a str>,
        variants: &[Variant<&'a str>],
        scope: Scope,
    ) {
        let (InlineExpression::VariableReference { id }, Scope::Message(_, row)) = (selector, scope) else {
            return;
        };
        let Some(variable) = row.variable(id.name) else { return };
        for variant in variants {
            let (key, may_be) = match variant.key {
                VariantKey::Identifier { name } => (name, variable.values.may_be(name)),
                VariantKey::NumberLiteral { value } => {
                    (value, matches!(variable.values, Values::Number | Values::Any))
                }
            };
            if !may_be {
                let cure = format!("it is {}", variable.values.branches());
                self.say(key, format!("${} is never \"{key}\"", id.name), cure);
            }
        }
    }
}

/// Where a part of the source begins in it. The syntax tree borrows its names from the source.
fn offset(source: &str, part: &str) -> usize {
    (part.as_ptr() as usize).saturating_sub(source.as_ptr() as usize).min(source.len())
}
