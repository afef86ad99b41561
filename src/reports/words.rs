//! What happened, in words for the sender (SPEC N2's languages; English for others).

use postern_actors::courier::{Action, Report, Reported};

use super::status;

/// The texts of one language.
pub(super) struct Words {
    subjects: [&'static str; 4],
    openings: [&'static str; 4],
    said: &'static str,
    until: &'static str,
    ending: &'static str,
    signature: &'static str,
}

/// Which of the texts an action has.
fn row(action: Action) -> usize {
    match action {
        Action::Failed => 0,
        Action::Delayed { .. } => 1,
        Action::Delivered => 2,
        Action::Relayed | Action::Expanded => 3,
    }
}

impl Words {
    pub(super) fn of(language: Option<&str>) -> Words {
        match language {
            Some("lv") => LATVIAN,
            Some("ru") => RUSSIAN,
            _ => ENGLISH,
        }
    }

    /// The worst of what is told decides.
    pub(super) fn subject(&self, report: &Report<'_>) -> &'static str {
        self.subjects[report.recipients.iter().map(|told| row(told.action)).min().unwrap_or(0)]
    }

    /// The part for people: one paragraph for each kind of fate.
    pub(super) fn text(&self, report: &Report<'_>, hostname: &str) -> String {
        let mut text = String::new();
        for (row_of, opening) in self.openings.iter().enumerate() {
            let told: Vec<_> = report.recipients.iter().filter(|told| row(told.action) == row_of).collect();
            if told.is_empty() {
                continue;
            }
            text.push_str(&format!("{opening}\n\n"));
            told.into_iter().for_each(|told| self.recipient(told, &mut text));
        }
        text.push_str(&format!("{}\n\n{} {hostname}\n", self.ending, self.signature));
        text
    }

    fn recipient(&self, told: &Reported, text: &mut String) {
        text.push_str(&format!("  {}\n", told.recipient.address));
        if let Some(attempt) = &told.attempt {
            let remote = attempt.remote.as_deref().map(|remote| format!(" ({remote})")).unwrap_or_default();
            text.push_str(&format!(
                "    {}{remote}: {} [{}]\n",
                self.said,
                attempt.said,
                status::status(told)
            ));
        }
        if let Action::Delayed { until } = told.action {
            text.push_str(&format!("    {} {}\n", self.until, until.rfc5322()));
        }
        text.push('\n');
    }
}

const ENGLISH: Words = Words {
    subjects: [
        "Your letter could not be delivered",
        "Your letter is late",
        "Your letter was delivered",
        "Your letter was passed on",
    ],
    openings: [
        "Your letter could not be delivered to:",
        "Your letter has not been delivered yet to the recipients below. You need not send it again; the server goes on trying.",
        "Your letter was delivered to:",
        "Your letter was passed on. From there no further report may come. Recipients:",
    ],
    said: "The reason",
    until: "Tries go on until",
    ending: "Details for your provider, and your letter or its header, are attached.",
    signature: "This report was written automatically by",
};

const LATVIAN: Words = Words {
    subjects: [
        "Jūsu vēstuli neizdevās piegādāt",
        "Jūsu vēstule kavējas",
        "Jūsu vēstule ir piegādāta",
        "Jūsu vēstule ir nodota tālāk",
    ],
    openings: [
        "Jūsu vēstuli neizdevās piegādāt šiem saņēmējiem:",
        "Jūsu vēstule šiem saņēmējiem vēl nav piegādāta. Sūtīt to vēlreiz nevajag: serveris turpina mēģināt.",
        "Jūsu vēstule ir piegādāta šiem saņēmējiem:",
        "Jūsu vēstule ir nodota tālāk, un citu ziņojumu par to var arī nebūt. Saņēmēji:",
    ],
    said: "Iemesls",
    until: "Mēģinājumi turpināsies līdz",
    ending: "Pielikumā ir sīkāka informācija pasta pakalpojuma sniedzējam un Jūsu vēstule vai tās galvene.",
    signature: "Šo ziņojumu automātiski sagatavoja",
};

const RUSSIAN: Words = Words {
    subjects: [
        "Ваше письмо не удалось доставить",
        "Ваше письмо задерживается",
        "Ваше письмо доставлено",
        "Ваше письмо передано дальше",
    ],
    openings: [
        "Ваше письмо не удалось доставить следующим получателям:",
        "Ваше письмо ещё не доставлено следующим получателям. Отправлять его снова не нужно: сервер продолжает попытки.",
        "Ваше письмо доставлено следующим получателям:",
        "Ваше письмо передано дальше, и других сообщений о нём может не быть. Получатели:",
    ],
    said: "Причина",
    until: "Попытки продолжатся до",
    ending: "Во вложении — подробности для почтовой службы и ваше письмо или его заголовок.",
    signature: "Это сообщение автоматически составил сервер",
};
