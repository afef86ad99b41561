//! Plays every transcript beside this file (`*.txt`) on the state machine, over TCP and over TLS.
//!
//! A combination that can't be is left out: what needs a login without TLS where none is allowed, STARTTLS within TLS,
//! TLS from the first octet on port 25, and what a transcript excludes by `@ over`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::direct::Direct;
use crate::support::script::{Action, Names, Script, Way, filled, matches};
use crate::support::socket::Sockets;
use crate::support::wire::{House, Lines, Wire};
use crate::support::world::World;

#[test]
fn on_the_state_machine() {
    play_all(Way::Direct);
}

#[test]
fn over_tcp() {
    play_all(Way::Tcp);
}

#[test]
fn over_tls() {
    play_all(Way::Tls);
}

fn play_all(way: Way) {
    let mut failures = Vec::new();
    let mut played = 0;
    for file in files() {
        let name = file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let text = fs::read_to_string(&file).expect("a transcript is a text file");
        let script = Script::parse(&text).unwrap_or_else(|why| panic!("{name}: {why}"));
        if script.plays(way).is_err() {
            continue;
        }
        played += 1;
        let result = actix::System::new().block_on(play(&script, way));
        if let Err(why) = result {
            failures.push(format!("{name} {way:?}: {why}"));
        }
    }
    assert!(played > 0, "no transcript was found");
    assert!(failures.is_empty(), "\n{}\n", failures.join("\n"));
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
    let entries = fs::read_dir(folder).expect("the folder of transcripts");
    let mut files: Vec<PathBuf> = entries
        .filter_map(|e| Some(e.ok()?.path()))
        .filter(|p| p.extension().is_some_and(|e| e == "txt"))
        .collect();
    files.sort();
    files
}

async fn play(script: &Script, way: Way) -> Result<(), String> {
    let world = World::start(&script.setup).await;
    let result = match way {
        Way::Direct => perform(script, &world, Direct::new(&world, script.door)).await,
        Way::Tcp | Way::Tls => perform(script, &world, Sockets::start(&world, script.door, way)).await,
    };
    world.stop().await;
    result
}

async fn perform<H: House>(script: &Script, world: &World, mut house: H) -> Result<(), String> {
    let mut sessions: BTreeMap<usize, Lines<H::Wire>> = BTreeMap::new();
    let mut names = Names::new();
    for step in &script.steps {
        if let Some(number) = step.action.session()
            && !sessions.contains_key(&number)
        {
            sessions.insert(number, Lines::new(house.connect(script.others.get(&number).copied()).await));
        }
        let taken = take(&step.action, world, &mut sessions, &mut names).await;
        taken.map_err(|why| format!("line {}: {why}", step.line))?;
    }
    match sessions.iter().find(|(_, lines)| !lines.rest().is_empty()) {
        Some((number, lines)) => Err(format!("session {number} says more at the end: {:?}", lines.rest())),
        None => Ok(()),
    }
}

async fn take<W: Wire>(
    action: &Action,
    world: &World,
    sessions: &mut BTreeMap<usize, Lines<W>>,
    names: &mut Names,
) -> Result<(), String> {
    let missing = || "no such session".to_owned();
    match action {
        Action::Advance(by) => world.advance(*by).await,
        Action::Operator(command) => world.operator(command).await?,
        Action::Say { session, text } => {
            let line = format!("{}\r\n", filled(text, names));
            sessions.get_mut(session).ok_or_else(missing)?.wire.send(line.as_bytes()).await;
        }
        Action::Send { session, bytes } => {
            sessions.get_mut(session).ok_or_else(missing)?.wire.send(bytes).await
        }
        Action::StartTls { session } => sessions.get_mut(session).ok_or_else(missing)?.wire.start_tls().await,
        Action::Closed { session } => sessions.get_mut(session).ok_or_else(missing)?.closed().await?,
        Action::HangUp { session } => {
            let lines = sessions.get_mut(session).ok_or_else(missing)?;
            lines.wire.hang_up().await;
            lines.closed().await?;
        }
        Action::Expect { session, pattern } => {
            let line = sessions.get_mut(session).ok_or_else(missing)?.line().await?;
            if !matches(pattern, &line, names) {
                return Err(format!("expected {pattern:?}, got {line:?}"));
            }
        }
        Action::ExpectEventually { session, pattern } => {
            let lines = sessions.get_mut(session).ok_or_else(missing)?;
            let mut passed = Vec::new();
            loop {
                let line = lines
                    .line()
                    .await
                    .map_err(|why| format!("{pattern:?} never came in {passed:?}: {why}"))?;
                if matches(pattern, &line, names) {
                    return Ok(());
                }
                passed.push(line);
            }
        }
    }
    Ok(())
}

impl Action {
    fn session(&self) -> Option<usize> {
        match self {
            Action::Say { session, .. }
            | Action::Send { session, .. }
            | Action::Expect { session, .. }
            | Action::ExpectEventually { session, .. }
            | Action::StartTls { session }
            | Action::Closed { session }
            | Action::HangUp { session } => Some(*session),
            Action::Advance(_) | Action::Operator(_) => None,
        }
    }
}
