//! What how-tos quote: messages are among the words of the program, commands and their options in its
//! reference.

use super::Source;

/// The page with the table of messages, and the table's heading.
const PAGE: &str = "docs/how-to/operations.md";
const TABLE: &str = "\n## What to do when\n";
const REFERENCE: &str = "docs/reference/cli.md";

/// Text in which what goes on behind the end of a line stands on one line.
fn joined(text: &str, between: &str) -> String {
    let mut parts = text.split("\\\n");
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        whole.push_str(between);
        whole.push_str(part.trim_start());
    }
    whole
}

/// What stands between backticks.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The messages of the table.
fn messages(page: &str) -> Vec<&str> {
    let table = page.split(TABLE).nth(1).unwrap_or_default();
    let table = table.split("\n## ").next().unwrap_or_default();
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    let first = rows.filter_map(|row| row.trim_start_matches("| ").split(" | ").next());
    first.flat_map(code).collect()
}

/// Whether one file says all of a message; `…` stands for what differs.
fn is_told(message: &str, files: &[String]) -> bool {
    let holds = |file: &String| message.split('…').all(|part| file.contains(part));
    files.iter().any(holds)
}

/// The commands of a page, in its blocks and within its lines.
fn commands(page: &str) -> Vec<String> {
    let page = joined(page, " ");
    let (mut open, mut found) = (false, Vec::new());
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            open = !open;
        } else if open {
            found.push(line);
        } else {
            found.extend(code(line));
        }
    }
    let alone = found.into_iter().filter_map(|text| {
        let text = text.trim().trim_start_matches("$ ");
        text.split(['|', '>', '#']).next()
    });
    let ours = alone.filter(|text| text.starts_with("kubemate ") && !text.contains("kubemate …"));
    ours.map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect()
}

/// What the reference does not know of a command.
fn unknown(command: &str, reference: &str) -> Vec<String> {
    let mut words = command.split_whitespace().skip(1);
    let name = words.next().unwrap_or_default();
    let deeper = format!("{name} ");
    let sections = reference.split("\n## ").skip(1).filter(|section| {
        let title = section.lines().next().unwrap_or_default();
        title == name || title.starts_with(&deeper)
    });
    let known: Vec<&str> = sections
        .flat_map(|section| section.split(|c: char| !c.is_ascii_alphanumeric() && c != '-'))
        .collect();
    if known.is_empty() {
        return vec![format!("`{command}`: there is no such command")];
    }
    let options = words.filter(|word| word.starts_with("--"));
    let options = options.filter_map(|word| word.split('=').next());
    let strange = options.filter(|option| !known.contains(option));
    strange
        .map(|option| format!("`{command}`: there is no {option}"))
        .collect()
}

/// The complaints about the pages of this repository.
pub(super) fn complaints(all: &[Source]) -> Vec<String> {
    let text = |path: &str| {
        let source = all.iter().find(|source| source.path == path);
        source.map_or("", |source| source.text.as_str())
    };
    let product = all.iter().filter(|source| source.is_product());
    let files: Vec<String> = product.map(|source| joined(&source.text, "")).collect();
    let told = messages(text(PAGE));
    let mut complaints = Vec::new();
    if told.len() < 20 {
        complaints.push(format!("{PAGE}: only {} messages were found", told.len()));
    }
    let untold = told.into_iter().filter(|message| !is_told(message, &files));
    complaints.extend(untold.map(|message| format!("{PAGE}: nothing says `{message}`")));
    let guides = ["README.md", "docs/how-to/", "docs/zh/"];
    for page in all {
        if !guides.iter().any(|guide| page.path.starts_with(guide)) {
            continue;
        }
        for command in commands(&page.text) {
            let unknown = unknown(&command, text(REFERENCE));
            complaints.extend(unknown.iter().map(|what| format!("{}: {what}", page.path)));
        }
    }
    complaints
}

#[test]
fn what_is_quoted_and_not_said_is_told() {
    let page = "a\n## What to do when\n\n| it says | why |\n|---|---|\n| `it has … left` | `x` |\n\
                | `gone; … of it` behind `a word` | b |\n## More\n| `no row` | c |\n";
    let told = messages(page);
    assert_eq!(told, ["it has … left", "gone; … of it", "a word"]);
    let file = joined("say(\"it has {n} \\\n     left\"); say(\"gone; {n}\")", "");
    let files = [file, "\"{n} of it\"".to_owned()];
    let is_told: Vec<bool> = told
        .iter()
        .map(|message| is_told(message, &files))
        .collect();
    assert_eq!(is_told, [true, false, false]);
}

#[test]
fn commands_that_are_not_there_are_told() {
    let page = "Run `kubemate plan --env dev` or `kubemate …`.\n```sh\n$ kubemate plan \\\n  --fast # now\n\
                kubemate install | kubectl apply --force -f -\nkubemate audit verify --end=x\n```\n";
    let reference =
        "# C\n\n## plan\n--env <ENV>\n--faster\n\n## audit\n\n## audit verify\n--end <E>\n";
    let found: Vec<String> = commands(page)
        .iter()
        .flat_map(|command| unknown(command, reference))
        .collect();
    let expected = [
        "`kubemate plan --fast`: there is no --fast",
        "`kubemate install`: there is no such command",
    ];
    assert_eq!(found, expected);
}
