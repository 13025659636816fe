//! What the audit trail holds of a command: who asks for what, before anything is changed for it, and what
//! was answered. The names are those that the forge tells, and the words are our own.

use super::super::attempt::note;
use super::super::cycle::Tools;
use super::reading::Scene;
use super::words::{Apply, Command, Odd};
use crate::adapters::sync::Sync;
use crate::report::audit::{Entry, Event};

/// The trail of the Sync that heard a command.
pub(super) struct Book<'a> {
    tools: &'a Tools,
    sync: &'a Sync,
    about: Entry,
}

impl<'a> Book<'a> {
    /// For one command, which stands in a comment.
    pub(super) fn new(
        scene: &Scene<'a>,
        sync: &'a Sync,
        (comment, command): (u64, &Result<Command, Odd>),
    ) -> Self {
        let place = format!("pull request {}, comment {comment}", scene.pull.number);
        let about = Entry {
            by: format!("user/{}", scene.user),
            commit: scene.pull.head.as_str().to_owned(),
            objects: [(place, told(command))].into(),
            ..Entry::default()
        };
        Self {
            tools: scene.tools,
            sync,
            about,
        }
    }

    /// Notes that it is about to be carried out; the error says why it must not be.
    pub(super) async fn asked(&self) -> Result<(), String> {
        let entry = Entry {
            event: Event::Asked,
            ..self.about.clone()
        };
        let noted = note(self.tools.means(), self.sync, entry).await;
        // The reason may name places that are nobody's concern in a comment; it stands in the log.
        noted.map_err(|_| {
            "nothing is done that cannot be written into the audit trail, which takes nothing now; \
             the log of the controller says why"
                .to_owned()
        })
    }

    /// Notes what came of it: nothing is in the way any more, or why it was refused.
    pub(super) async fn answered(&self, refused: Option<&String>) {
        let entry = Entry {
            event: Event::Answered,
            failure: refused.cloned(),
            ..self.about.clone()
        };
        // What was done is done, and a refusal or a plan changes nothing.
        drop(note(self.tools.means(), self.sync, entry).await);
    }
}

/// A command in our words.
fn told(command: &Result<Command, Odd>) -> String {
    match command {
        Err(_) => "something that is no command".to_owned(),
        Ok(Command::Apply(Apply::Plan(plan))) => format!("apply {plan}"),
        Ok(command @ (Command::Plan { .. } | Command::Apply(_))) => command.word().to_owned(),
        Ok(Command::Hold(hold)) => {
            let ticket = hold.ticket.as_deref().unwrap_or("none");
            let (resource, environment) = (hold.resource(), &hold.environment);
            let seconds = hold.time.as_secs();
            format!("hold {resource} in {environment} for {seconds} s, ticket {ticket}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::words::read;
    use super::*;

    #[test]
    fn a_command_is_told_in_words_of_ours() {
        for (text, said) in [
            ("/kubemate plan 3f2ac1d", "plan"),
            ("/kubemate apply", "apply"),
            ("/kubemate apply 3f2ac1d", "apply"),
            ("/kubemate $(id)", "something that is no command"),
            (
                "/kubemate hold app/shop/web --env dev --for 2h --ticket INC-1",
                "hold app/shop/web in dev for 7200 s, ticket INC-1",
            ),
        ] {
            assert_eq!(told(&read(text).unwrap()), said, "{text}");
        }
    }
}
