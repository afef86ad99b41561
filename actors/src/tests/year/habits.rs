//! What people do with a mail account in a year, and how often.

/// Random numbers that a seed gives again (SplitMix64).
#[derive(Clone)]
pub(in crate::tests) struct Random(u64);

impl Random {
    pub(in crate::tests) fn new(seed: u64) -> Random {
        Random(seed)
    }

    pub(in crate::tests) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 up to, not including, `end`.
    pub(in crate::tests) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

/// Something that is done at one instant.
#[derive(Clone, Copy, Debug)]
pub(super) enum Act {
    /// Fetches and deletes mail over POP3, or is told that it is too soon.
    Fetch,
    /// Logs in over IMAP.
    Imap,
    /// Logs in over SMTP and sends so many letters, as far as they are let.
    Send(u32),
    /// Tries to send so often without a pause.
    Push(u32),
    /// Two programs of the account try so often, at the same time.
    PushTwice(u32),
    /// Logs in from so many networks.
    Roam(u32),
    /// Switches everything on.
    On,
    /// Switches everything off.
    Off,
    /// Logs in on the web.
    Web,
    /// Gets a new password, after which a theft is over.
    Password,
    /// An operator blocks, and takes the block away.
    Block,
    Unblock,
    /// An operator passes on a complaint.
    Report,
    /// An operator unlocks sending.
    Unlock,
    /// Changes between the plans.
    Plan,
}

/// How somebody uses an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Habit {
    /// Reads and writes, all year.
    Regular,
    /// Stays away for months now and then.
    Forgetful,
    /// Is away for more than nine months.
    Away,
    /// Sends too much, or somebody else does from this account.
    Abuser,
    /// Plays with the switches, and has trouble with the operator.
    Restless,
}

impl Habit {
    pub(super) fn of(number: usize) -> Habit {
        match number % 10 {
            0..=3 => Habit::Regular,
            4 | 5 => Habit::Forgetful,
            6 => Habit::Away,
            7 | 8 => Habit::Abuser,
            _ => Habit::Restless,
        }
    }

    /// Whether the account is used on this day. Somebody who is away comes back for the last week.
    pub(super) fn uses(self, day: u64) -> bool {
        match self {
            Habit::Forgetful => day % 130 < 45,
            Habit::Away => !(70..358).contains(&day),
            _ => true,
        }
    }

    /// Days of the year on which it is.
    pub(super) fn days(self) -> u64 {
        (0..super::DAYS).filter(|day| self.uses(*day)).count() as u64
    }

    /// What is done next.
    pub(super) fn act(self, random: &mut Random) -> Act {
        let chance = random.below(1000);
        match (self, chance) {
            (Habit::Abuser, 0..20) => Act::Push(40),
            (Habit::Abuser, 20..25) => Act::PushTwice(20),
            (Habit::Abuser, 25..30) => Act::Roam(12),
            (Habit::Abuser, 30..40) => Act::Report,
            (Habit::Abuser, 40..50) => Act::Password,
            (Habit::Abuser, 50..55) => Act::Unlock,
            (Habit::Restless, 0..60) => Act::Off,
            (Habit::Restless, 60..130) => Act::On,
            (Habit::Restless, 130..135) => Act::Block,
            (Habit::Restless, 135..155) => Act::Unblock,
            (Habit::Restless, 155..175) => Act::Plan,
            (_, 0..190) => Act::Send(1 + (chance % 3) as u32),
            (_, 190..200) => Act::Send(8),
            (_, 200..330) => Act::Imap,
            (_, 330..345) => Act::Web,
            (_, 345..360) => Act::On,
            _ => Act::Fetch,
        }
    }
}
