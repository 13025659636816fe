//! `docs/guards.md` names the tests that prove what is promised: each of them must exist, and carry the
//! number of its row.

use std::collections::BTreeSet;

use super::sources::Source;

/// The page.
const PAGE: &str = "docs/guards.md";

/// Names of functions that read like a case: `r_04_lost_reply`, `s_40_forbidden_kinds`.
fn cases(code: &str) -> BTreeSet<String> {
    let names = code.split("fn ").skip(1).map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        rest[..end.unwrap_or(rest.len())].to_owned()
    });
    names.filter(|name| number(name).is_some()).collect()
}

/// `R-04` of `r_04_lost_reply`.
fn number(name: &str) -> Option<String> {
    let mut parts = name.splitn(3, '_');
    let (part, digits, _) = (parts.next()?, parts.next()?, parts.next()?);
    let known = matches!(part, "r" | "s" | "l") && digits.len() == 2;
    let whole = known && digits.bytes().all(|b| b.is_ascii_digit());
    whole.then(|| format!("{}-{digits}", part.to_ascii_uppercase()))
}

/// What is wrong with a page, given every case that is tested.
fn wrong(page: &str, tested: &BTreeSet<String>) -> Vec<String> {
    let mut complaints = Vec::new();
    let rows = page
        .lines()
        .enumerate()
        .filter(|(_, line)| line.starts_with("| R-"));
    for (at, row) in rows {
        let place = format!("{PAGE}:{}", at + 1);
        let case = row
            .trim_start_matches("| ")
            .split(' ')
            .next()
            .unwrap_or_default();
        let named: Vec<&str> = row.split('`').skip(1).step_by(2).collect();
        if named.is_empty() {
            complaints.push(format!("{place}: {case} names no test"));
        }
        for name in named {
            if !tested.contains(name) {
                complaints.push(format!("{place}: there is no test `{name}`"));
            } else if number(name).as_deref() != Some(case) {
                complaints.push(format!("{place}: `{name}` is no test of {case}"));
            }
        }
    }
    complaints
}

/// The complaints about the page of this repository.
pub(super) fn complaints(all: &[Source]) -> Vec<String> {
    let tested: BTreeSet<String> = all.iter().flat_map(|source| cases(&source.code)).collect();
    let page = all.iter().find(|source| source.path == PAGE);
    page.map_or_else(
        || vec![format!("{PAGE} is missing")],
        |page| wrong(&page.text, &tested),
    )
}

#[test]
fn a_row_without_its_test_is_told() {
    let tested = cases("#[test]\nfn r_04_lost_reply() {}\nasync fn r_10_more() {}\nfn r_x() {}");
    assert_eq!(tested.len(), 2);
    let page = "# Guards\n| R-04 | a | `r_04_lost_reply` |\n| R-05 | b | `r_05_nothing` |\n\
                | R-06 | c | |\n| R-07 | d | `r_10_more` |\n";
    let expected = [
        "docs/guards.md:3: there is no test `r_05_nothing`",
        "docs/guards.md:4: R-06 names no test",
        "docs/guards.md:5: `r_10_more` is no test of R-07",
    ];
    assert_eq!(wrong(page, &tested), expected);
}
