//! An approval can be given: there are approvers, and enough of them.

use super::Approval;
use crate::dsl::codes;
use crate::kinds::Findings;
use crate::names::UserName;

pub(super) fn check(approval: &Approval, out: &mut Findings<'_>) {
    if approval.approver.is_empty() {
        let message = format!("nobody can give approval `{}`", approval.name);
        let finding = out.error(codes::NO_APPROVERS, "", message).label("no approver");
        out.push(finding.help("add `approver group=NAME` or `approver user=NAME`"));
        return;
    }
    for (index, approver) in approval.approver.iter().enumerate() {
        let pointer = format!("/approver/{index}");
        if approver.user.is_some() == approver.group.is_some() {
            let message = "an approver is either a `user` or a `group`";
            out.push(out.error_on_name(codes::NO_APPROVERS, &pointer, message).help("write one of the two"));
        }
        if approval.approver[..index].contains(approver) {
            let finding = out.error_on_name(codes::COVERED, &pointer, "this approver is named twice");
            out.push(finding.warning().help("one person agrees once; remove it"));
        }
    }
    let groups = approval.approver.iter().any(|approver| approver.group.is_some());
    let mut people: Vec<&str> = approval.approver.iter().filter_map(|a| a.user.as_ref()).map(UserName::as_str).collect();
    people.sort_unstable();
    people.dedup();
    let count = usize::try_from(approval.count).unwrap_or(usize::MAX);
    if !groups && !people.is_empty() && people.len() < count {
        let message = format!("{count} people must agree, and only {} may", people.len());
        let finding = out.error(codes::NO_APPROVERS, "/count", message).label("never reached");
        out.push(finding.help("lower `count`, or add approvers"));
    }
}
