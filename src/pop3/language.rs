//! What the session itself says, in the languages that LANG offers (RFC 6856 §3).
//!
//! A refusal that an actor gave is worded by [`crate::wording`], in English whatever LANG was asked for: it names the
//! same page and carries the same response code, and programs show it as it is.

use std::fmt;
use std::io::Write as _;

/// A language that LANG offers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English
    #[default]
    English,
    /// Latvian
    Latvian,
    /// Russian
    Russian,
}

impl Language {
    /// All of them, in the order in which LANG lists them.
    pub const ALL: [Language; 3] = [Language::English, Language::Latvian, Language::Russian];

    /// Its tag (RFC 5646).
    pub fn tag(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Latvian => "lv",
            Language::Russian => "ru",
        }
    }

    /// Its name in itself.
    pub fn name(self) -> &'static str {
        match self {
            Language::English => "English",
            Language::Latvian => "latviešu",
            Language::Russian => "русский",
        }
    }

    /// The language of a tag or of a more particular one (`ru-LV` is `ru`), by RFC 4647 §3.4.
    pub fn lookup(range: &str) -> Option<Language> {
        let primary = range.split('-').next()?;
        Language::ALL.into_iter().find(|l| l.tag().eq_ignore_ascii_case(primary))
    }
}

/// A text of the session's own; `{}` stands for its arguments, in order. A figure that programs read stays in front.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Text {
    Ready,
    PasswordNext,
    Welcome,
    Listing,
    Octets,
    TopFollows,
    UniqueIdsFollow,
    CapabilitiesFollow,
    MechanismsFollow,
    LanguagesFollow,
    LanguageSet,
    Deleted,
    Utf8On,
    BeginTls,
    GoodbyeEarly,
    GoodbyeEmpty,
    GoodbyeLeft,
    UnknownCommand,
    BadArguments,
    BadCharacters,
    LineTooLong,
    LoginFirst,
    LoggedInAlready,
    UserFirst,
    TlsFirst,
    TlsAlready,
    TlsBeforeUtf8,
    NoSuchMechanism,
    BadBase64,
    Cancelled,
    NoSuchLanguage,
    NoSuchMessage,
    DeletedAlready,
    TooManyErrors,
    LoginTimeout,
}

impl Text {
    /// English, Latvian, Russian.
    fn all(self) -> [&'static str; 3] {
        match self {
            Text::Ready => ["{} POP3 server ready", "{} POP3 serveris ir gatavs", "{} POP3-сервер готов"],
            Text::PasswordNext => ["send PASS", "sūtiet PASS", "отправьте PASS"],
            Text::Welcome => [
                "{}'s maildrop has {} messages ({} octets)",
                "{}: vēstuļu skaits {} ({} okteti)",
                "{}: писем {} ({} октетов)",
            ],
            Text::Listing => [
                "{} messages ({} octets)",
                "{} - vēstuļu skaits ({} okteti)",
                "{} - число писем ({} октетов)",
            ],
            Text::Octets => ["{} octets", "{} okteti", "{} октетов"],
            Text::TopFollows => ["top of message follows", "seko vēstules sākums", "следует начало письма"],
            Text::UniqueIdsFollow => {
                ["unique-ids follow", "seko unikālie identifikatori", "следуют уникальные идентификаторы"]
            }
            Text::CapabilitiesFollow => {
                ["capability list follows", "seko iespēju saraksts", "следует список возможностей"]
            }
            Text::MechanismsFollow => {
                ["mechanisms follow", "seko autentifikācijas veidi", "следуют способы аутентификации"]
            }
            Text::LanguagesFollow => ["languages follow", "seko valodas", "следуют языки"],
            Text::LanguageSet => {
                ["{} I speak English now", "{} tagad es runāju latviski", "{} теперь я говорю по-русски"]
            }
            Text::Deleted => ["message {} deleted", "vēstule {} ir dzēsta", "письмо {} удалено"],
            Text::Utf8On => ["UTF8 enabled", "UTF8 ir ieslēgts", "UTF8 включён"],
            Text::BeginTls => ["begin TLS negotiation", "sāciet TLS", "начинайте TLS"],
            Text::GoodbyeEarly => {
                ["{} POP3 server signing off", "{} POP3 serveris atvadās", "{} POP3-сервер прощается"]
            }
            Text::GoodbyeEmpty => [
                "{} POP3 server signing off (maildrop empty)",
                "{} POP3 serveris atvadās (pastkaste ir tukša)",
                "{} POP3-сервер прощается (ящик пуст)",
            ],
            Text::GoodbyeLeft => [
                "{} POP3 server signing off ({} messages left)",
                "{} POP3 serveris atvadās (palika vēstules: {})",
                "{} POP3-сервер прощается (осталось писем: {})",
            ],
            Text::UnknownCommand => ["unknown command", "nezināma komanda", "неизвестная команда"],
            Text::BadArguments => [
                "wrong arguments for this command",
                "komandai nederīgi argumenti",
                "неверные аргументы команды",
            ],
            Text::BadCharacters => [
                "a command is UTF-8 text without control characters",
                "komanda ir UTF-8 teksts bez vadības rakstzīmēm",
                "команда - это текст UTF-8 без управляющих символов",
            ],
            Text::LineTooLong => [
                "line too long: the limit is {} octets with CRLF",
                "rinda ir par garu: ne vairāk kā {} okteti ar CRLF",
                "слишком длинная строка: не более {} октетов с CRLF",
            ],
            Text::LoginFirst => ["log in first", "vispirms piesakieties", "сначала войдите"],
            Text::LoggedInAlready => ["only before the login", "tikai pirms pieteikšanās", "только до входа"],
            Text::UserFirst => ["USER comes first", "vispirms USER", "сначала USER"],
            Text::TlsFirst => [
                "passwords are taken over TLS alone: turn on SSL/TLS in your program (STLS, or port 995)",
                "paroles pieņem tikai ar TLS: ieslēdziet programmā SSL/TLS (STLS vai ports 995)",
                "пароли принимаются только по TLS: включите в программе SSL/TLS (STLS или порт 995)",
            ],
            Text::TlsAlready => ["TLS is on already", "TLS jau ir ieslēgts", "TLS уже включён"],
            Text::TlsBeforeUtf8 => ["STLS comes before UTF8", "STLS ir pirms UTF8", "STLS идёт перед UTF8"],
            Text::NoSuchMechanism => {
                ["no such mechanism here", "šāda veida te nav", "такого способа здесь нет"]
            }
            Text::BadBase64 => ["that is not base64", "tas nav base64", "это не base64"],
            Text::Cancelled => ["AUTH cancelled", "AUTH atcelts", "AUTH отменён"],
            Text::NoSuchLanguage => {
                ["no such language here", "šādas valodas te nav", "такого языка здесь нет"]
            }
            Text::NoSuchMessage => [
                "no such message, the maildrop has {}",
                "šādas vēstules nav, pastkastē to ir {}",
                "нет такого письма, в ящике их {}",
            ],
            Text::DeletedAlready => {
                ["message {} already deleted", "vēstule {} jau ir dzēsta", "письмо {} уже удалено"]
            }
            Text::TooManyErrors => [
                "too many errors, the limit is {}: closing",
                "pārāk daudz kļūdu, robeža ir {}: beidzam",
                "слишком много ошибок, предел {}: закрываем",
            ],
            Text::LoginTimeout => [
                "no login within {} seconds: closing",
                "nav pieteikšanās {} sekundēs: beidzam",
                "нет входа за {} секунд: закрываем",
            ],
        }
    }

    /// Writes the text, with `arguments` in the places of `{}`.
    pub(super) fn write(self, language: Language, arguments: &[&dyn fmt::Display], out: &mut Vec<u8>) {
        let [english, latvian, russian] = self.all();
        let template = match language {
            Language::English => english,
            Language::Latvian => latvian,
            Language::Russian => russian,
        };
        let mut arguments = arguments.iter();
        for (index, part) in template.split("{}").enumerate() {
            if index > 0
                && let Some(argument) = arguments.next()
            {
                // Writing to memory can't fail.
                let _ = write!(out, "{argument}");
            }
            out.extend_from_slice(part.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_stand_where_the_text_wants_them() {
        let mut said = Vec::new();
        Text::Welcome.write(Language::English, &[&"mrose", &2, &320], &mut said);
        assert_eq!(said, b"mrose's maildrop has 2 messages (320 octets)");
        said.clear();
        Text::Octets.write(Language::Latvian, &[&120], &mut said);
        assert_eq!(said, b"120 okteti");
    }

    #[test]
    fn a_language_is_found_by_its_tag_and_narrower_ones() {
        assert_eq!(Language::lookup("LV"), Some(Language::Latvian));
        assert_eq!(Language::lookup("ru-LV"), Some(Language::Russian));
        assert_eq!(Language::lookup("de"), None);
        assert_eq!(Language::lookup(""), None);
    }
}
