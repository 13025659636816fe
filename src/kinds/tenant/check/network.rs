//! Network rules name exactly one side, say something new, and are let through by the other tenant.

use super::super::Tenant;
use super::super::network::{Isolation, Protocol};
use crate::dsl::codes;
use crate::kinds::{Findings, Scope};
use crate::names::reference::TenantRef;
use crate::values::network::{Cidr, Port};

/// What the two directions have in common.
struct Rule<'a> {
    pointer: String,
    word: bool,
    tenant: Option<&'a str>,
    cidr: Option<Cidr>,
    port: Option<Port>,
    protocol: Protocol,
}

impl Rule<'_> {
    fn covers(&self, other: &Self) -> bool {
        let ports = self.port.is_none() || (self.port == other.port && self.protocol == other.protocol);
        let cidrs = self.cidr.zip(other.cidr);
        let addresses = cidrs.is_some_and(|(wide, narrow)| wide.net().contains(&narrow.net()));
        let tenants = self.tenant.is_some() && self.tenant == other.tenant;
        ports && (addresses || tenants)
    }
}

pub(super) fn check(tenant: &Tenant, scope: &Scope<'_>, out: &mut Findings<'_>) {
    let from: Vec<Rule<'_>> = tenant.network.from.iter().enumerate().map(|(index, rule)| Rule {
        pointer: format!("/network/from/{index}"),
        word: rule.source.is_some(),
        tenant: rule.tenant.as_ref().map(TenantRef::name),
        cidr: rule.cidr,
        port: rule.port,
        protocol: rule.protocol,
    }).collect();
    let to: Vec<Rule<'_>> = tenant.network.to.iter().enumerate().map(|(index, rule)| Rule {
        pointer: format!("/network/to/{index}"),
        word: rule.destination.is_some(),
        tenant: rule.tenant.as_ref().map(TenantRef::name),
        cidr: rule.cidr,
        port: rule.port,
        protocol: rule.protocol,
    }).collect();
    for (rules, words) in [(&from, "ingress"), (&to, "internet")] {
        for (index, rule) in rules.iter().enumerate() {
            form(tenant, rule, words, out);
            covered(rule, &rules[..index], &rules[index + 1..], out);
        }
    }
    for rule in &from {
        one_sided(tenant, rule, scope, out);
    }
    for (rules, isolations) in [
        (&from, &[Isolation::Open][..]),
        (&to, &[Isolation::Open, Isolation::Inbound]),
    ] {
        if isolations.contains(&tenant.network.isolation) && let Some(rule) = rules.first() {
            let message = "this rule changes nothing: such traffic passes anyway";
            let finding = out.error(codes::COVERED, &rule.pointer, message).warning();
            out.push(finding.help("remove it, or write `isolation=strict`"));
        }
    }
}

fn form(tenant: &Tenant, rule: &Rule<'_>, word: &str, out: &mut Findings<'_>) {
    let named = [rule.word, rule.tenant.is_some(), rule.cidr.is_some()];
    let count = named.into_iter().filter(|is| *is).count();
    if count != 1 {
        let message = match count {
            0 => "this rule names nobody",
            _ => "this rule names several, and one rule is about one of them",
        };
        let finding = out.error_on_name(codes::NETWORK_RULE, &rule.pointer, message);
        out.push(finding.help(format!(
            "write `{word}`, `tenant=NAME` or `cidr=\"10.20.0.0/16\"`, one rule for each"
        )));
    }
    if rule.tenant == Some(tenant.name.as_str()) {
        let message = "traffic within the tenant passes anyway";
        let finding = out.error(codes::COVERED, &format!("{}/tenant", rule.pointer), message);
        out.push(finding.warning().help("remove this rule"));
    }
    if rule.port.is_none() && rule.protocol != Protocol::Tcp {
        let message = "a protocol without a port says nothing";
        let finding = out.error(codes::NETWORK_RULE, &format!("{}/protocol", rule.pointer), message);
        out.push(finding.help("add `port=`"));
    }
}

/// Of two equal rules the later one is too much; of a wide and a narrow one the narrow.
fn covered(rule: &Rule<'_>, before: &[Rule<'_>], after: &[Rule<'_>], out: &mut Findings<'_>) {
    let earlier = before.iter().find(|other| other.covers(rule));
    let later = after.iter().find(|other| other.covers(rule) && !rule.covers(other));
    if let Some(wide) = earlier.or(later) {
        let finding = out
            .error_on_name(codes::COVERED, &rule.pointer, "another rule already lets this through")
            .warning()
            .related(out.name(&wide.pointer), "the wider rule");
        out.push(finding.help("remove one of the two"));
    }
}

/// Both sides must agree: a strict tenant drops what it sends to others unless it says so.
fn one_sided(tenant: &Tenant, rule: &Rule<'_>, scope: &Scope<'_>, out: &mut Findings<'_>) {
    let Some(other) = rule.tenant.and_then(|name| scope.find::<Tenant>(name)) else {
        return;
    };
    let here = tenant.name.as_str();
    let agrees = other.network.to.iter().any(|to| {
        let me = to.tenant.as_ref().is_some_and(|t| t.name() == here);
        let port = to.port.is_none() || rule.port.is_none() || to.port == rule.port;
        me && port
    });
    if other.network.isolation == Isolation::Strict && !agrees && other.name != tenant.name {
        let message = format!("tenant `{}` does not let such traffic out, so nothing will arrive", other.name);
        let finding = out.error(codes::ONE_SIDED, &format!("{}/tenant", rule.pointer), message).warning();
        let port = rule.port.map_or(String::new(), |port| format!(" port={port}"));
        out.push(finding.help(format!("add `to tenant={here}{port}` to the `network` of `{}`", other.name)));
    }
}
