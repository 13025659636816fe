//! Whether the roles of a tenant let somebody ask for something: where they name people for it, only those may,
//! beside who decides about the repository. A role takes a right from whoever may write; it gives none to whom the
//! forge gives none.

use super::decide::May;
use super::reading::Scene;
use crate::adapters::rights::Rights;
use crate::apply::cluster::Cluster as _;
use crate::kinds::role::Action;
use crate::kinds::tenant::member::MemberKind;
use crate::model::job::Entitled;
use crate::object::SetId;
use crate::report::forge::Forge as _;

/// Members of one tenant that are looked at, and that an answer names.
const MOST: usize = 50;
const MOST_NAMED: usize = 5;

/// The error says who may. What the forge does not tell counts as no.
pub(super) async fn check(
    scene: &Scene<'_>,
    rights: &Rights,
    (set, action): (&SetId, Action),
) -> Result<(), String> {
    let all = rights.entitled(set, action);
    if scene.may == May::Decide || all.is_empty() {
        return Ok(());
    }
    let now = scene.tools.cluster.now();
    let members = || all.iter().filter(move |one| one.holds(now)).take(MOST);
    for one in members() {
        if is(scene, one).await {
            return Ok(());
        }
    }
    let names: Vec<&str> = members()
        .take(MOST_NAMED)
        .map(|one| one.name.as_str())
        .collect();
    let who = match names.is_empty() {
        true => "nobody by now".to_owned(),
        false => names.join(", "),
    };
    Err(format!(
        "the roles of the tenant say who may {} here: {who}, and who administers the repository",
        action.word()
    ))
}

/// Whether somebody is this member, by the names of the forge.
async fn is(scene: &Scene<'_>, member: &Entitled) -> bool {
    match member.kind {
        MemberKind::User => member.name.eq_ignore_ascii_case(scene.user),
        MemberKind::Group => {
            let found = scene.desk.forge.is_member(&member.name, scene.user).await;
            found.unwrap_or_else(|error| {
                tracing::warn!(group = member.name, %error, "it is not known who is in a group");
                false
            })
        }
        MemberKind::ServiceAccount => false,
    }
}
