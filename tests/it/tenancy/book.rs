//! `docs/reference/tenancy.md` says what the rows say.

use std::fmt::Write as _;

use super::fixture::root;
use super::rows::{self, By, Sent};

const PAGE: &str = "docs/reference/tenancy.md";

const BEGINNING: &str = "# What stops a tenant

Every row of this page is an attempt to leave a tenant. A test writes each into the tenant's own files, where it is an
error at its line with the code named here, and sends the same to a real API server without kubemate: in the name of
the account that writes the tenant's objects, and in the name of a member with the role `admin`. The right column says
what of the server refuses it. What a policy refuses, it also refuses to an administrator of the cluster, but for
claims of an owner or a mark: those are believed of whoever may make such objects in every namespace, as controllers may.

- **rights**: the tenant's roles hold no such right.
- **policy**: a ValidatingAdmissionPolicy that the platform's set keeps, for every namespace of every tenant.
- **policy, owned**: another one, for objects of the platform's set; whoever may delete namespaces may change them, and
  whoever may change all objects of the kind, such as what binds volumes.
- **Pod Security**: the level that the namespace's labels name, for pods; rights come first.
- **quota**: the ResourceQuota or the LimitRange of the namespace. A workload may be accepted; its pods are not.

";

const END: &str = "
## What the API server cannot stop

- A tenant may read and change everything of its own. A member with the role `admin` opens shells in the tenant's
  pods, and whoever writes pods of a namespace can use every Secret and ServiceAccount in it but `kubemate-tenant`.
- A listener without a host answers to any, and so the tenant has any: give listeners hosts.
- A SecretStore of the tenant reads what its login may read. The paths are held at plan time; at the server it is the
  store that refuses others, by the role of the tenant's own account.
- A name of the outside leads wherever its owner says, also to an address inside, and so may an answer that sends whoever
  asked elsewhere, or an address in a Secret: what the ingress, Flagger, KEDA, Prometheus and Alertmanager may reach is for
  their own network policies. `NAME.NAMESPACE` in a URL looks like a host of the outside where the namespace is one word of
  letters, and so does a pod's name in front of it in an ExternalName.
- The proxy tells `a-b` in the namespace `web` from `b` in `web-a` by no name. Where `web-a` is another tenant's namespace
  the name is that one's; of namespaces that kubemate did not make, nothing is known.
- A rule of a tenant asks Prometheus whatever it knows and names its alerts as it likes, and a `labelmap` takes a label
  `namespace` of the pods along. That series, rules and alerts are those of their namespace is kept by
  `enforcedNamespaceLabel` of Prometheus; that receivers hear of no others, by `alertmanagerConfigMatcherStrategy` of
  Alertmanager, which says `OnNamespace` unless somebody changed it.
- A mark that is too long for a label is a digest, and the policy does not know whose.
- An Ingress or an IngressRoute may name any Secret of its namespace for TLS, whose certificate some ingresses show
  for other hosts, too. No role of a tenant writes these kinds.
- Pods that a controller of the cluster makes have the priority class that it gives them, since that may be the default
  of the cluster. Where it makes them from a template of a workload, that was checked. Rights to other kinds that become
  pods are given by the platform's own roles only.
- What was there before a host, a class or a queue was taken from a tenant stays as it is until it is changed.
- Clusters before Kubernetes 1.30 serve no such policies: there the rows that name one end with the plan.
";

fn page() -> String {
    let mut page = BEGINNING.to_owned();
    page.push_str("| attempt | code | stopped at the server by |\n|---|---|---|\n");
    for row in rows::all() {
        let by = match (row.by, row.sent) {
            (By::Rights, _) => "rights",
            (By::Policy(_) | By::Claim(_), _) => "policy",
            (By::PodSecurity, _) => "rights, Pod Security",
            (By::Owned, _) => "policy, owned",
            (By::Bounds, Sent::Idle(..)) => "quota, for its pods",
            (By::Bounds, _) => "quota",
        };
        let code = row.told.0;
        writeln!(page, "| {} | {code} | {by} |", row.name).expect("a text grows");
    }
    page.push_str(END);
    page
}

#[test]
fn the_page_says_what_the_rows_say() {
    let file = root().join(PAGE);
    let page = page();
    if std::env::var("KUBEMATE_BLESS").is_ok() {
        std::fs::write(&file, &page).expect("the page can be written");
    }
    let there = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(there, page, "{PAGE}: KUBEMATE_BLESS=1 renews it");
}
