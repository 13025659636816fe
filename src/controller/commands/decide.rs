//! What becomes of a command: who may what, on which pull request, at which commit. Pure.
//!
//! Whoever may nothing gets no answer at all, so that nobody can make us chatter.

use super::words::{Apply, Command, Hold, Odd};
use crate::report::forge::{Permission, Pull};

/// What is said of applying before the merge.
const NO_APPLY: &str = "nothing is applied before the merge: the controller applies what is merged into the branch that \
    it follows, and would undo anything else; get the approvals that are asked for and merge";

/// Which commands are followed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Allowed {
    /// Plans.
    pub plan: bool,
    /// Holds.
    pub hold: bool,
    /// Letting plans go after the merge.
    pub apply: bool,
}

impl Allowed {
    /// Whether comments are read at all.
    pub fn any(self) -> bool {
        self.plan || self.hold || self.apply
    }
}

/// What somebody may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum May {
    /// Nothing.
    Nothing,
    /// What changes nothing.
    Look,
    /// What changes something.
    Change,
    /// The same, whatever the roles of tenants say.
    Decide,
}

impl May {
    /// By what the forge says. Who may read only because everybody may read is a stranger.
    pub fn of(permission: Permission, collaborator: bool) -> Self {
        match (permission, collaborator) {
            (Permission::None, _) | (Permission::Read, false) => Self::Nothing,
            (Permission::Read, true) => Self::Look,
            (Permission::Write, _) => Self::Change,
            (Permission::Admin, _) => Self::Decide,
        }
    }
}

/// What is known when a command is judged.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The pull request as it is now.
    pub pull: &'a Pull,
    /// Whether a Sync follows the branch it goes to.
    pub followed: bool,
    /// What the author of the command may.
    pub may: May,
    /// What is switched on.
    pub allowed: Allowed,
}

/// What becomes of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Nothing is answered; why.
    Silence(&'static str),
    /// One sentence is answered.
    Refuse(String),
    /// It is planned.
    Plan,
    /// It is held.
    Hold(Hold),
    /// It is told which plans wait, or the one of this digest is let go.
    Apply(Option<String>),
}

/// Decides.
pub fn decide(command: &Result<Command, Odd>, facts: Facts<'_>) -> Decision {
    let refuse = |why: &str| Decision::Refuse(why.to_owned());
    if facts.may == May::Nothing {
        return Decision::Silence("whoever asks is no collaborator");
    }
    if !facts.followed {
        return Decision::Silence("no Sync follows the branch it goes to");
    }
    // What was merged may wait for somebody to let it go.
    let merged = facts.pull.merger.is_some() && matches!(command, Ok(Command::Apply(_)));
    if !facts.pull.open && !merged {
        return Decision::Silence("the pull request is closed");
    }
    let command = match command {
        Ok(command) => command,
        Err(odd) => return Decision::Refuse(odd.to_string()),
    };
    match command {
        Command::Plan { .. } if !facts.allowed.plan => refuse("plan is not switched on here"),
        Command::Hold(_) if !facts.allowed.hold => refuse("hold is not switched on here"),
        Command::Plan { commit } => match commit {
            Some(commit) if !commit.is_of(&facts.pull.head) => moved(facts.pull),
            Some(_) | None => Decision::Plan,
        },
        Command::Hold(_) if facts.may < May::Change => {
            refuse("hold is for those who may write to the repository")
        }
        Command::Hold(hold) => Decision::Hold(hold.clone()),
        Command::Apply(asked) => apply(asked, facts),
    }
}

/// Nothing that is not merged is applied, whoever asks.
fn apply(asked: &Apply, facts: Facts<'_>) -> Decision {
    let refuse = |why: &str| Decision::Refuse(why.to_owned());
    match asked {
        Apply::Commit(commit) if !commit.is_of(&facts.pull.head) => moved(facts.pull),
        _ if facts.pull.open => refuse(NO_APPLY),
        _ if !facts.allowed.apply => refuse("apply is not switched on here"),
        _ if facts.may < May::Change => {
            refuse("apply is for those who may write to the repository")
        }
        Apply::Told | Apply::Commit(_) => Decision::Apply(None),
        Apply::Plan(plan) => Decision::Apply(Some(plan.clone())),
    }
}

fn moved(pull: &Pull) -> Decision {
    let head = pull.head.short();
    Decision::Refuse(format!(
        "the head is {head} and not that commit: look at it and ask again"
    ))
}

#[cfg(test)]
mod tests {
    use super::super::words::read;
    use super::*;
    use crate::report::forge::PullNumber;
    use crate::source::repository::CommitId;

    const ALL: Allowed = Allowed {
        plan: true,
        hold: true,
        apply: true,
    };
    const HOLD: &str = "/kubemate hold app/web --env dev --for 2h";

    fn pull() -> Pull {
        Pull {
            number: PullNumber::parse("7").unwrap(),
            head: CommitId::new(&"a".repeat(40)).unwrap(),
            base: None,
            target: "main".to_owned(),
            author: "ann".to_owned(),
            fork: true,
            draft: false,
            open: true,
            merger: None,
        }
    }

    fn decided(text: &str, may: May, allowed: Allowed) -> Decision {
        let pull = pull();
        let facts = Facts {
            pull: &pull,
            followed: true,
            may,
            allowed,
        };
        decide(&read(text).unwrap(), facts)
    }

    #[test]
    fn s_76_who_may_what() {
        use Permission::{Admin, None, Read, Write};
        for (permission, collaborator, may) in [
            (None, false, May::Nothing),
            (None, true, May::Nothing),
            (Read, false, May::Nothing),
            (Read, true, May::Look),
            (Write, false, May::Change),
            (Admin, true, May::Decide),
        ] {
            assert_eq!(May::of(permission, collaborator), may);
        }
    }

    #[test]
    fn s_76_each_command_has_its_answer() {
        let refused = |text: &str, may: May, allowed: Allowed| match decided(text, may, allowed) {
            Decision::Refuse(why) => why,
            other => format!("{other:?}"),
        };
        assert_eq!(decided("/kubemate plan", May::Look, ALL), Decision::Plan);
        assert_eq!(
            decided("/kubemate plan aaaaaaa", May::Look, ALL),
            Decision::Plan
        );
        assert!(matches!(decided(HOLD, May::Change, ALL), Decision::Hold(_)));
        for (text, may, allowed, word) in [
            ("/kubemate plan aaaaaab", May::Look, ALL, "the head is"),
            ("/kubemate apply bbbbbbb", May::Change, ALL, "the head is"),
            ("/kubemate apply aaaaaaa", May::Change, ALL, "merge"),
            ("/kubemate apply", May::Change, ALL, "merge"),
            (HOLD, May::Look, ALL, "may write"),
            (HOLD, May::Change, Allowed::default(), "not switched on"),
            (
                "/kubemate plan",
                May::Change,
                Allowed::default(),
                "not switched on",
            ),
            ("/kubemate plan; ls", May::Look, ALL, "and nothing else"),
            ("/kubemate dance", May::Look, ALL, "no such command"),
        ] {
            let why = refused(text, may, allowed);
            assert!(why.contains(word), "{text}: {why}");
        }
    }

    #[test]
    fn s_76_only_what_is_merged_is_let_go_and_only_by_who_may_write() {
        let merged = Pull {
            open: false,
            merger: Some("ben".to_owned()),
            ..pull()
        };
        let decided = |pull: &Pull, text: &str, may: May, allowed: Allowed| {
            let followed = true;
            let facts = Facts {
                pull,
                followed,
                may,
                allowed,
            };
            decide(&read(text).unwrap(), facts)
        };
        let digest = format!("b3:{}", "0f".repeat(32));
        let exact = format!("/kubemate apply {digest}");
        let all = ALL;
        assert_eq!(
            decided(&merged, &exact, May::Change, all),
            Decision::Apply(Some(digest))
        );
        for text in ["/kubemate apply", "/kubemate apply aaaaaaa"] {
            let told = decided(&merged, text, May::Change, all);
            assert_eq!(told, Decision::Apply(None), "{text}");
        }
        let off = Allowed {
            apply: false,
            ..ALL
        };
        for (pull, text, may, allowed, word) in [
            (&pull(), exact.as_str(), May::Change, all, "merge"),
            (&merged, exact.as_str(), May::Look, all, "may write"),
            (&merged, "/kubemate apply", May::Look, all, "may write"),
            (&merged, exact.as_str(), May::Change, off, "not switched on"),
            (
                &merged,
                "/kubemate apply aaaaaab",
                May::Change,
                all,
                "the head is",
            ),
        ] {
            let Decision::Refuse(why) = decided(pull, text, may, allowed) else {
                panic!("{text} goes");
            };
            assert!(why.contains(word), "{text}: {why}");
        }
        let closed = Pull {
            merger: None,
            ..merged.clone()
        };
        for (pull, text) in [(&closed, exact.as_str()), (&merged, "/kubemate plan")] {
            let decision = decided(pull, text, May::Change, all);
            assert!(matches!(decision, Decision::Silence(_)), "{text}");
        }
    }

    #[test]
    fn s_76_a_stranger_gets_no_answer_whatever_is_asked() {
        for text in [
            "/kubemate plan",
            "/kubemate apply bbbbbbb",
            "/kubemate plan; ls",
            HOLD,
        ] {
            let decision = decided(text, May::Nothing, ALL);
            assert!(matches!(decision, Decision::Silence(_)), "{text}");
        }
        let closed = Pull {
            open: false,
            ..pull()
        };
        for (pull, followed) in [(closed, true), (pull(), false)] {
            let facts = Facts {
                pull: &pull,
                followed,
                may: May::Change,
                allowed: ALL,
            };
            let decision = decide(&read("/kubemate plan").unwrap(), facts);
            assert!(matches!(decision, Decision::Silence(_)));
        }
    }
}
