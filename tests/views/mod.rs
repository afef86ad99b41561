//! Several sessions at one mailbox, and each of them right: random commands over IMAP, with POP3 among them, against a
//! model. After every step each session's view, as it was told, is held against what RFC 9051 §7 lets it be; and who
//! resynchronises (RFC 7162) comes to the same as who starts anew.
//!
//! `make test` runs short stories; `make views` long ones of 10,000 steps. A failure names its seed: `POSTERN_SEED=7` runs
//! that one again, `POSTERN_STEPS` says how long it is to be.

mod client;
mod model;
mod story;

use crate::rig::Random;
use story::Story;

/// A story's length in `make test`.
const STEPS: usize = 600;
/// And in `make views`.
const LONG: usize = 10_000;

fn play(seeds: &[u64], steps: usize) {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let steps = number("POSTERN_STEPS").map_or(steps, |steps| steps as usize);
    let seeds = number("POSTERN_SEED").map_or_else(|| seeds.to_vec(), |seed| vec![seed]);
    for seed in seeds {
        eprintln!("seed {seed}, {steps} steps");
        actix::System::new().block_on(async move {
            let mut story = Story::begin(Random::new(seed)).await;
            for step in 0..steps {
                if let Err(why) = story.step().await {
                    panic!("seed {seed}, step {step}: {why}\n{}", story.past());
                }
            }
            story.end().await;
        });
    }
}

#[test]
fn every_session_has_a_true_view() {
    play(&[1, 2, 3], STEPS);
}

#[test]
#[ignore = "takes minutes: make views"]
fn every_session_has_a_true_view_for_long() {
    play(&[11, 12, 13, 14, 15], LONG);
}
