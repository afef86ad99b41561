//! What an accepted letter shows of abuse (SPEC Q4): new client networks, new recipients, one text to many. The memory
//! that it takes to see that is bounded, and lost without harm.

use std::net::IpAddr;
use std::time::Duration;

use postern_model::Timestamp;
use postern_model::record::{Abuse, Recipients, SeenBody, SeenNetwork, Signal};

use super::Figures;

/// How long networks and recipients are remembered.
const HOUR: Duration = Duration::from_secs(60 * 60);
/// How long texts are.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Networks that are remembered at most.
const NETWORKS: usize = 16;
/// Texts that are.
const BODIES: usize = 8;
/// Bits that tell recipients apart.
const BITS: usize = 1024;

/// What a letter shows of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// Digests of its recipients' addresses, evenly spread in their low bits.
    pub recipients: Vec<u64>,
    /// Digest of its text without the header.
    pub body: u64,
    /// Where its sender is connected.
    pub from: Option<IpAddr>,
}

/// Remembers a letter that was accepted; returns the signs of abuse in it, each with how often. How many recipients
/// are new is an estimate, right to a few in a hundred.
pub fn observe(abuse: &mut Abuse, sample: &Sample, figures: &Figures, now: Timestamp) -> Vec<(Signal, u32)> {
    let recipients = u32::try_from(sample.recipients.len()).unwrap_or(u32::MAX);
    let seen = [
        (Signal::NewRecipient, new_recipients(&mut abuse.recipients, &sample.recipients, now)),
        (
            Signal::NewAddress,
            sample.from.map_or(0, |from| new_address(&mut abuse.networks, from, figures.networks, now)),
        ),
        (Signal::SameBody, same_body(&mut abuse.bodies, sample.body, recipients, figures.same_body, now)),
    ];
    seen.into_iter().filter(|(_, count)| *count > 0).collect()
}

/// 1 where a letter comes from a network that the last hour had not seen, and the hour has seen enough of them.
fn new_address(networks: &mut Vec<SeenNetwork>, from: IpAddr, usual: u32, now: Timestamp) -> u32 {
    let network = network(from);
    let known = networks.iter().any(|seen| seen.network == network && now.since(seen.at) < HOUR);
    networks.retain(|seen| seen.network != network && now.since(seen.at) < HOUR);
    for seen in &mut *networks {
        seen.at = seen.at.min(now);
    }
    networks.push(SeenNetwork { network, at: now });
    let unusual = networks.len() > usize::try_from(usual).unwrap_or(NETWORKS).min(NETWORKS);
    keep_last(networks, NETWORKS);
    u32::from(!known && unusual)
}

/// The network of an address: its /24, or the /48 of an IPv6 address, behind a mark that keeps the two kinds apart.
fn network(address: IpAddr) -> u64 {
    match address.to_canonical() {
        IpAddr::V4(address) => (4 << 56) | u64::from(address.to_bits() >> 8),
        IpAddr::V6(address) => (6 << 56) | u64::try_from(address.to_bits() >> 80).unwrap_or(0),
    }
}

/// How many recipients the current hour had not seen, estimated by linear counting (Whang et al. 1990).
fn new_recipients(memory: &mut Recipients, recipients: &[u64], now: Timestamp) -> u32 {
    memory.since = memory.since.min(now);
    if now.since(memory.since) >= HOUR || memory.bits.len() != BITS / 64 {
        *memory = Recipients { since: now, bits: vec![0; BITS / 64] };
    }
    let before = set_bits(&memory.bits);
    for digest in recipients {
        let bit = digest % 1024;
        if let Some(word) = memory.bits.get_mut(usize::try_from(bit / 64).unwrap_or(0)) {
            *word |= 1 << (bit % 64);
        }
    }
    DISTINCT[set_bits(&memory.bits)] - DISTINCT[before]
}

/// How many bits are set.
fn set_bits(bits: &[u64]) -> usize {
    bits.iter().map(|word| word.count_ones() as usize).sum::<usize>().min(BITS)
}

/// How many different recipients it takes on average to set so many bits: where `i` are set, the next one is hit by
/// one of `BITS / (BITS - i)`.
const DISTINCT: [u32; BITS + 1] = {
    const ONE: u64 = 1 << 32;
    let mut table = [0; BITS + 1];
    let (mut set, mut sum) = (0, 0);
    while set < BITS {
        sum += BITS as u64 * ONE / (BITS - set) as u64;
        set += 1;
        table[set] = (sum / ONE) as u32;
    }
    table
};

/// How many recipients the text has had now beyond those that are nothing unusual.
fn same_body(bodies: &mut Vec<SeenBody>, digest: u64, recipients: u32, usual: u32, now: Timestamp) -> u32 {
    bodies.retain(|seen| now.since(seen.at) < DAY);
    for seen in &mut *bodies {
        seen.at = seen.at.min(now);
    }
    let known = bodies.iter().position(|seen| seen.digest == digest);
    let before = known.map_or(0, |index| bodies.remove(index).recipients);
    let after = before.saturating_add(recipients);
    bodies.push(SeenBody { digest, recipients: after, at: now });
    keep_last(bodies, BODIES);
    after.saturating_sub(usual) - before.saturating_sub(usual)
}

/// Forgets the oldest rows of a list, the latest last.
fn keep_last<T>(rows: &mut Vec<T>, most: usize) {
    let surplus = rows.len().saturating_sub(most);
    rows.drain(..surplus);
}
