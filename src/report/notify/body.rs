//! A notice as the body of a call, one form for each service. Pure.
//!
//! What comes from people, repositories and clusters goes through [`inert`]; the rest is our own words.
//! Each text fits its service whatever goes in.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::inert::{Markup, Measure, inert};
use super::{Service, Told, Topic};

/// Most of a name, and of a commit.
const NAME: usize = 120;
/// Most bytes of the story where a program reads it.
const STORY: usize = 16 * 1024;
/// Most characters of a text for Slack.
pub const SLACK: usize = 4_000;
/// Most bytes of a text for WeCom.
pub const WECOM: usize = 4_096;
/// Most bytes of a text for DingTalk: with each byte escaped, the body stays below 20,000.
pub const DINGTALK: usize = 9_000;
/// Most bytes of a letter.
pub const EMAIL: usize = 16 * 1024;
/// Most bytes of a text for Feishu: with each byte escaped, the body stays below 20 KiB.
pub const FEISHU: usize = 9_500;

/// What a Sync is, and what there is to say of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// Its name.
    pub sync: String,
    /// The name of the project, if it is known.
    pub project: Option<String>,
    /// The environment.
    pub environment: String,
    /// The cluster.
    pub cluster: String,
    /// The commit that this is about.
    pub commit: Option<String>,
    /// What happened, in one sentence.
    pub story: String,
}

/// One notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The same for each try to tell the same.
    pub id: String,
    /// What it is about.
    pub topic: Topic,
    /// Of what.
    pub facts: Facts,
    /// How many changes before it were not told.
    pub changes: u32,
    /// Since when they were not.
    pub since: Option<Timestamp>,
    /// When.
    pub at: Timestamp,
}

impl Notice {
    /// A notice of these facts that is remembered as `told`, after what was told `before`.
    pub fn new(facts: &Facts, told: &Told, before: Option<&Told>, now: Timestamp) -> Self {
        let mut sum = blake3::Hasher::new();
        let commit = told.commit.as_deref().unwrap_or_default();
        let after = before.map_or(0, |told| told.at.as_second()).to_string();
        let of = [
            facts.sync.as_str(),
            facts.cluster.as_str(),
            told.topic.word(),
        ];
        let which = [told.digest.as_str(), commit, after.as_str()];
        for part in of.into_iter().chain(which) {
            sum.update(part.as_bytes());
            sum.update(&[0]);
        }
        Self {
            id: format!("msg_{}", &sum.finalize().to_hex()[..32]),
            topic: told.topic,
            facts: facts.clone(),
            changes: told.changes,
            since: before.map(|told| told.at).filter(|_| told.changes > 0),
            at: now,
        }
    }

    fn headline(&self) -> &'static str {
        match self.topic {
            Topic::Stalled => "only a person can help",
            Topic::Failed => "something fails and is tried again",
            Topic::Held => "a change waits for a yes",
            Topic::Unhealthy => "something is not healthy",
            Topic::Drifted => "something was changed outside of Git",
            Topic::Recovered => "all is well again",
            Topic::Applied => "a commit was applied",
        }
    }

    /// What to do next.
    fn next(&self) -> Option<String> {
        let asks = self.topic.is_trouble();
        asks.then(|| format!("kubemate why sync/{}", self.facts.sync))
    }
}

/// The body of a call that tells a notice.
pub fn body(service: Service, notice: &Notice) -> Value {
    match service {
        Service::Webhook => webhook(notice),
        // Nothing is looked for in the text: no names, no links, no formats.
        Service::Slack => json!({
            "text": text(notice, &PLAIN_SLACK),
            "mrkdwn": false,
            "link_names": false,
            "unfurl_links": false,
            "unfurl_media": false,
        }),
        Service::Wecom => json!({
            "msgtype": "markdown",
            "markdown": { "content": text(notice, &MARKED_WECOM) },
        }),
        Service::Dingtalk => json!({
            "msgtype": "markdown",
            "markdown": {
                "title": title(notice, &MARKED_DINGTALK),
                "text": text(notice, &MARKED_DINGTALK),
            },
            "at": { "isAtAll": false },
        }),
        Service::Feishu => json!({
            "msg_type": "text",
            "content": { "text": text(notice, &PLAIN_FEISHU) },
        }),
        Service::Email => {
            let (subject, text) = letter(notice);
            json!({ "subject": subject, "text": text })
        }
    }
}

/// A notice as the subject and the text of a letter. Neither holds a control sign, but for the ends of the
/// lines of the text.
pub fn letter(notice: &Notice) -> (String, String) {
    (title(notice, &PLAIN_EMAIL), text(notice, &PLAIN_EMAIL))
}

/// For programs: every fact under its own name.
fn webhook(notice: &Notice) -> Value {
    let name = |text: &str| inert(text, Markup::None, (NAME, Measure::Bytes));
    let facts = &notice.facts;
    json!({
        "id": notice.id,
        "at": notice.at.to_string(),
        "topic": notice.topic.word(),
        "title": format!("{}: {}", name(&facts.sync), notice.headline()),
        "sync": name(&facts.sync),
        "project": facts.project.as_deref().map(name),
        "environment": name(&facts.environment),
        "cluster": name(&facts.cluster),
        "commit": facts.commit.as_deref().map(name),
        "story": inert(&facts.story, Markup::None, (STORY, Measure::Bytes)),
        "changes": notice.changes,
        "next": notice.next().map(|next| name(&next)),
    })
}

/// How a service shows text.
struct Style {
    markup: Markup,
    most: usize,
    measure: Measure,
    /// Around the first line.
    strong: &'static str,
    /// Between two lines.
    gap: &'static str,
}

const PLAIN_SLACK: Style = Style {
    markup: Markup::Slack,
    most: SLACK,
    measure: Measure::Characters,
    strong: "",
    gap: "\n",
};

const MARKED_WECOM: Style = Style {
    markup: Markup::Wide,
    most: WECOM,
    measure: Measure::Bytes,
    strong: "**",
    gap: "\n",
};

const MARKED_DINGTALK: Style = Style {
    markup: Markup::Wide,
    most: DINGTALK,
    measure: Measure::Bytes,
    strong: "**",
    gap: "\n\n",
};

const PLAIN_FEISHU: Style = Style {
    markup: Markup::Wide,
    most: FEISHU,
    measure: Measure::Bytes,
    strong: "",
    gap: "\n",
};

const PLAIN_EMAIL: Style = Style {
    markup: Markup::Linked,
    most: EMAIL,
    measure: Measure::Bytes,
    strong: "",
    gap: "\n",
};

impl Style {
    fn name(&self, text: &str) -> String {
        inert(text, self.markup, (NAME, self.measure))
    }
}

/// The first line. The word in front is what robots that want a keyword are given.
fn title(notice: &Notice, style: &Style) -> String {
    let sync = style.name(&notice.facts.sync);
    format!("kubemate: {sync}: {}", notice.headline())
}

/// What people read. The story takes what the rest leaves.
fn text(notice: &Notice, style: &Style) -> String {
    let Facts {
        sync: _,
        project,
        environment,
        cluster,
        commit,
        story,
    } = &notice.facts;
    let mut place = vec![
        format!("environment {}", style.name(environment)),
        format!("cluster {}", style.name(cluster)),
    ];
    if let Some(project) = project {
        place.insert(0, format!("project {}", style.name(project)));
    }
    let before = [
        format!("{0}{1}{0}", style.strong, title(notice, style)),
        place.join(" · "),
    ];
    let commit = commit
        .as_ref()
        .map(|commit| format!("commit {}", style.name(commit)));
    let next = notice
        .next()
        .map(|next| format!("next: {}", style.name(&next)));
    let after: Vec<String> = commit
        .into_iter()
        .chain(changes(notice))
        .chain(next)
        .collect();
    let spent: usize = before
        .iter()
        .chain(&after)
        .map(|line| style.measure.of(line))
        .sum();
    let gaps = style.gap.len() * (before.len() + after.len());
    let room = style.most.saturating_sub(spent + gaps);
    let story = inert(story, style.markup, (room, style.measure));
    let lines: Vec<String> = before.into_iter().chain([story]).chain(after).collect();
    lines.join(style.gap)
}

fn changes(notice: &Notice) -> Option<String> {
    let plural = if notice.changes == 1 { "" } else { "s" };
    let since = notice.since?;
    Some(format!(
        "it came and went since {since}: {} change{plural} not told",
        notice.changes
    ))
}

#[cfg(test)]
mod tests;
