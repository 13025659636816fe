//! Commands in comments, read strictly: a closed set of words, names by their own types, nothing else.
//!
//! A comment is a command only if it begins with `/kubemate` and says nothing else, so a quote, a code
//! block or a sentence about a command is none. Pure; no text of a comment leaves this module unread.

use std::time::Duration as Time;

use crate::adapters::hold::{LONGEST, MAX_TICKET};
use crate::names::{EnvironmentName, Name, TenantName};
use crate::source::repository::CommitId;
use crate::values::duration::Duration;

/// What a command begins with.
const START: &str = "/kubemate";
/// Longest command, in bytes.
const MAX_BYTES: usize = 500;
/// Fewest digits that name a commit.
const MIN_DIGITS: usize = 7;
/// How the digest of a plan begins, and its digits after that.
const DIGEST: &str = "b3:";
const DIGEST_DIGITS: usize = 64;

/// A command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Say what the pull request would change.
    Plan {
        /// The head it is meant for, if it says so.
        commit: Option<Prefix>,
    },
    /// Leave changes to one resource that were made outside of Git alone for a while.
    Hold(Hold),
    /// Let a plan go that waits after the merge. Before it this is understood, and never done.
    Apply(Apply),
}

impl Command {
    /// Its word, for logs.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Plan { .. } => "plan",
            Self::Hold(_) => "hold",
            Self::Apply(_) => "apply",
        }
    }
}

/// What is to be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Apply {
    /// Nothing is named: it is told what waits.
    Told,
    /// A head, which is no plan.
    Commit(Prefix),
    /// The plan of this digest.
    Plan(String),
}

/// The first digits of a commit's id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prefix(String);

impl Prefix {
    fn read(text: &str) -> Option<Self> {
        let digit = |b: u8| b.is_ascii_digit() || matches!(b, b'a'..=b'f');
        let fits = (MIN_DIGITS..=40).contains(&text.len()) && text.bytes().all(digit);
        fits.then(|| Self(text.to_owned()))
    }

    /// Whether a commit's id begins so.
    pub fn is_of(&self, commit: &CommitId) -> bool {
        commit.as_str().starts_with(&self.0)
    }
}

/// What is to be held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// The kind of the resource, as KDL names it.
    pub kind: Name,
    /// Its tenant, where the comment says so.
    pub tenant: Option<TenantName>,
    /// Its name.
    pub name: Name,
    /// The environment.
    pub environment: EnvironmentName,
    /// For how long.
    pub time: Time,
    /// The ticket that says why.
    pub ticket: Option<String>,
}

impl Hold {
    /// The resource as a Hold names it.
    pub fn resource(&self) -> String {
        match &self.tenant {
            Some(tenant) => format!("{}/{tenant}/{}", self.kind, self.name),
            None => format!("{}/{}", self.kind, self.name),
        }
    }
}

/// What is wrong with a command, in words for its author.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Odd {
    /// There is more in the comment.
    #[error("a command stands alone in its comment, on one line")]
    Lines,
    /// Longer than any command.
    #[error("this is too long for a command")]
    Long,
    /// Something that no word of a command has.
    #[error(
        "a command is made of letters, digits, spaces and the signs - . / # _ : and nothing else"
    )]
    Signs,
    /// No command has this name.
    #[error("there is no such command; there are plan, hold and apply")]
    Unknown,
    /// A plan with something else than a commit.
    #[error("write plan, or plan COMMIT with at least seven digits of the head")]
    Plan,
    /// A hold that is none.
    #[error(
        "write hold KIND/NAME --env ENVIRONMENT --for TIME, and --ticket TICKET if there is one"
    )]
    Hold,
    /// A hold without a time that can be.
    #[error("a hold is for a time such as 30m or 2h, a week at most")]
    Time,
    /// An apply with something else than a plan or a commit.
    #[error("write apply, which says what waits, or apply DIGEST with the whole digest of a plan")]
    Apply,
}

/// Reads a comment; `None` if it is no command at all.
pub fn read(text: &str) -> Option<Result<Command, Odd>> {
    let rest = text.trim_end().strip_prefix(START)?;
    let ends = rest.chars().next().is_none_or(char::is_whitespace);
    ends.then(|| command(rest))
}

fn command(rest: &str) -> Result<Command, Odd> {
    if rest.contains(['\n', '\r']) {
        return Err(Odd::Lines);
    }
    if rest.len() > MAX_BYTES {
        return Err(Odd::Long);
    }
    let plain = |b: u8| {
        b.is_ascii_alphanumeric() || matches!(b, b' ' | b'-' | b'.' | b'/' | b'#' | b'_' | b':')
    };
    if !rest.bytes().all(plain) {
        return Err(Odd::Signs);
    }
    let words: Vec<&str> = rest.split(' ').filter(|word| !word.is_empty()).collect();
    match words.as_slice() {
        ["plan", rest @ ..] => Ok(Command::Plan {
            commit: commit(rest, Odd::Plan)?,
        }),
        ["apply", rest @ ..] => apply(rest).map(Command::Apply),
        ["hold", resource, options @ ..] => hold(resource, options).map(Command::Hold),
        ["hold"] => Err(Odd::Hold),
        _ => Err(Odd::Unknown),
    }
}

/// No word, or one that names a commit.
fn commit(words: &[&str], odd: Odd) -> Result<Option<Prefix>, Odd> {
    match words {
        [] => Ok(None),
        [one] => Prefix::read(one).map(Some).ok_or(odd),
        _ => Err(odd),
    }
}

/// No word, the whole digest of a plan, or a commit.
fn apply(words: &[&str]) -> Result<Apply, Odd> {
    if let [one] = words
        && let Some(sum) = one.strip_prefix(DIGEST)
    {
        let digit = |b: u8| b.is_ascii_digit() || matches!(b, b'a'..=b'f');
        let whole = sum.len() == DIGEST_DIGITS && sum.bytes().all(digit);
        return whole
            .then(|| Apply::Plan((*one).to_owned()))
            .ok_or(Odd::Apply);
    }
    let commit = commit(words, Odd::Apply)?;
    Ok(commit.map_or(Apply::Told, Apply::Commit))
}

fn hold(resource: &str, options: &[&str]) -> Result<Hold, Odd> {
    let parts: Vec<&str> = resource.split('/').collect();
    let (kind, tenant, name) = match parts.as_slice() {
        [kind, name] => (kind, None, name),
        [kind, tenant, name] => (kind, Some(tenant), name),
        _ => return Err(Odd::Hold),
    };
    let tenant = tenant.map(|tenant| tenant.parse::<TenantName>());
    let (mut environment, mut time, mut ticket) = (None, None, None);
    for pair in options.chunks(2) {
        let [option, value] = pair else {
            return Err(Odd::Hold);
        };
        let place = match *option {
            "--env" => &mut environment,
            "--for" => &mut time,
            "--ticket" => &mut ticket,
            _ => return Err(Odd::Hold),
        };
        // Each at most once, so that nothing is overlooked.
        if value.starts_with('-') || place.replace(*value).is_some() {
            return Err(Odd::Hold);
        }
    }
    let environment: EnvironmentName = environment
        .and_then(|text| text.parse().ok())
        .ok_or(Odd::Hold)?;
    if ticket.is_some_and(|ticket| ticket.len() > MAX_TICKET) {
        return Err(Odd::Hold);
    }
    Ok(Hold {
        kind: kind.parse().map_err(|_| Odd::Hold)?,
        tenant: tenant.transpose().map_err(|_| Odd::Hold)?,
        name: name.parse().map_err(|_| Odd::Hold)?,
        environment,
        time: span(time.ok_or(Odd::Hold)?)?,
        ticket: ticket.map(str::to_owned),
    })
}

/// A time that a hold can last.
fn span(text: &str) -> Result<Time, Odd> {
    let read: Duration = text.parse().map_err(|_| Odd::Time)?;
    match read.to_std() {
        time if time.is_zero() || time > LONGEST => Err(Odd::Time),
        time => Ok(time),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SHA: &str = "3f2ac1d";

    fn prefix() -> Prefix {
        Prefix(SHA.to_owned())
    }

    fn digest() -> String {
        format!("b3:{}", "0f".repeat(32))
    }

    #[test]
    fn commands_are_understood() {
        let hold = |tenant: Option<&str>, ticket: Option<&str>| {
            Command::Hold(Hold {
                kind: "app".parse().unwrap(),
                tenant: tenant.map(|tenant| tenant.parse().unwrap()),
                name: "checkout".parse().unwrap(),
                environment: "prod".parse().unwrap(),
                time: Time::from_secs(7_200),
                ticket: ticket.map(str::to_owned),
            })
        };
        let apply = format!("apply {}", digest());
        for (text, command) in [
            ("plan", Command::Plan { commit: None }),
            (
                "plan  3f2ac1d ",
                Command::Plan {
                    commit: Some(prefix()),
                },
            ),
            ("plan\r\n", Command::Plan { commit: None }),
            ("apply", Command::Apply(Apply::Told)),
            ("apply 3f2ac1d", Command::Apply(Apply::Commit(prefix()))),
            (apply.as_str(), Command::Apply(Apply::Plan(digest()))),
            ("hold app/checkout --env prod --for 2h", hold(None, None)),
            (
                "hold app/payments/checkout --ticket INC-1 --for 2h --env prod",
                hold(Some("payments"), Some("INC-1")),
            ),
        ] {
            let text = format!("/kubemate {text}");
            assert_eq!(read(&text), Some(Ok(command)), "{text}");
        }
    }

    #[test]
    fn s_76_what_only_speaks_of_a_command_is_none() {
        for text in [
            "",
            "plan",
            "> /kubemate plan",
            " /kubemate plan",
            "    /kubemate plan",
            "```\n/kubemate plan\n```",
            "`/kubemate plan`",
            "please /kubemate plan",
            "\n/kubemate plan",
            "<!-- /kubemate plan -->",
            "/kubematex plan",
            "/kubemate;plan",
            "/kubemate-plan",
            "/KUBEMATE plan",
            "\u{feff}/kubemate plan",
        ] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }

    #[test]
    fn s_76_whatever_is_odd_is_refused() {
        for (text, odd) in [
            ("", Odd::Unknown),
            (" help", Odd::Unknown),
            (" PLAN", Odd::Unknown),
            (" plan\nlgtm", Odd::Lines),
            (" plan\n\n> quoted", Odd::Lines),
            (" plan\rls", Odd::Lines),
            ("\nplan", Odd::Lines),
            (" plan $(id)", Odd::Signs),
            (" plan; ls", Odd::Signs),
            (" plan `id`", Odd::Signs),
            (" plan\u{2028}ls", Odd::Signs),
            ("\tplan", Odd::Signs),
            (" plan \u{202e}", Odd::Signs),
            (" plan -d ../x", Odd::Plan),
            (" plan ../x", Odd::Plan),
            (" plan 3f2ac1", Odd::Plan),
            (" plan 3F2AC1D", Odd::Plan),
            (" plan main", Odd::Plan),
            (" plan 3f2ac1d 3f2ac1d", Odd::Plan),
            (" apply refs/heads/main", Odd::Apply),
            (" apply b3:0f5c", Odd::Apply),
            (" apply b3:", Odd::Apply),
            (" hold", Odd::Hold),
            (" hold app", Odd::Hold),
            (" hold app/../x --env prod --for 2h", Odd::Hold),
            (" hold app/a/b/c --env prod --for 2h", Odd::Hold),
            (" hold app/checkout --for 2h", Odd::Hold),
            (" hold app/checkout --env prod", Odd::Hold),
            (" hold app/checkout --env prod --for", Odd::Hold),
            (" hold app/web --env prod --env dev --for 2h", Odd::Hold),
            (" hold app/checkout --env --for --for 2h", Odd::Hold),
            (" hold app/checkout --env ../x --for 2h", Odd::Hold),
            (
                " hold app/checkout --env prod --for 2h --kubeconfig x",
                Odd::Hold,
            ),
            (" hold app/checkout --env prod --for 8d", Odd::Time),
            (" hold app/checkout --env prod --for 0s", Odd::Time),
            (" hold app/checkout --env prod --for soon", Odd::Time),
        ] {
            let text = format!("/kubemate{text}");
            assert_eq!(read(&text), Some(Err(odd)), "{text:?}");
        }
        let digest = digest();
        for odd in [
            format!("{digest}0"),
            digest.to_uppercase(),
            format!("{digest} 3f2ac1d"),
            format!("{digest} {digest}"),
        ] {
            let text = format!("/kubemate apply {odd}");
            assert_eq!(read(&text), Some(Err(Odd::Apply)), "{text:?}");
        }
        let long = format!("/kubemate plan {}", "a".repeat(MAX_BYTES));
        assert_eq!(read(&long), Some(Err(Odd::Long)));
    }

    proptest! {
        /// Whatever comes through is made of plain words, whatever was written.
        #[test]
        fn s_76_no_text_slips_through(text in "(/kubemate )?(plan|hold|apply)?[ -~\n\r\u{202e}]{0,60}") {
            match read(&text) {
                None | Some(Err(_)) => {}
                Some(Ok(command)) => {
                    prop_assert!(text.starts_with("/kubemate "));
                    prop_assert!(!text.trim_end().contains(['\n', '\r', '$', ';', '`', '\\']));
                    if let Command::Hold(hold) = command {
                        prop_assert!(!hold.resource().contains(".."));
                    }
                }
            }
        }

        #[test]
        fn s_76_any_hold_is_read_as_it_stands(
            kind in "[a-z]{1,10}", name in "[a-z][a-z0-9]{0,20}", hours in 1_u64..168,
        ) {
            let text = format!("/kubemate hold {kind}/{name} --env prod --for {hours}h");
            let Some(Ok(Command::Hold(hold))) = read(&text) else {
                return Err(TestCaseError::fail(text));
            };
            prop_assert_eq!(hold.resource(), format!("{kind}/{name}"));
            prop_assert_eq!(hold.time.as_secs(), hours * 3_600);
        }
    }
}
