//! External Secrets: what is fetched from which store, whole or by its keys.

use super::case::{Case, reproduced};

const STORE: &str = r#"
tenant shop
secret-store vault server="http://vault.default:8200" {
  allow tenant=shop role=demo-role "kv/a" "kv/database-credentials" "kv/all-keys-example-secret" "kv/myJsonVariable" "kv/vault-uuid/*" "kv/OqPt3Vd37My7G8rTb-8Q" "kv/my-app/*"
}
"#;

/// A store has a name of ours and is asked for a path below its mount.
macro_rules! fetched {
    ($file:literal, $name:literal, $ours:literal, $kdl:literal) => {
        Case {
            project: "external-secrets",
            files: &[concat!("docs/", $file)],
            same: &[("ExternalSecret", $name, 0)],
            left: &[("ExternalSecret", "another case")],
            names: &[
                ("ExternalSecret", "/metadata/name", $ours),
                ("ExternalSecret", "/spec/secretStoreRef/name", "vault-kv"),
            ],
            platform: STORE,
            kdl: concat!("secret ", $ours, " tenant=shop ", $kdl),
            ..Case::NEW
        }
    };
}

/// A secret whose values are made of what is fetched from one record.
macro_rules! made {
    (($name:literal, $index:literal), $ours:literal, $kdl:literal) => {
        Case {
            project: "external-secrets",
            files: &["docs/snippets/keepersecurity-external-secret.yaml"],
            same: &[("ExternalSecret", $name, $index)],
            left: &[("ExternalSecret", "another case")],
            names: &[
                ("ExternalSecret", "/metadata/name", $ours),
                ("ExternalSecret", "/spec/secretStoreRef/name", "vault-kv"),
                ("ExternalSecret", "/spec/secretStoreRef/kind", "SecretStore"),
            ],
            platform: STORE,
            kdl: concat!(
                "secret ",
                $ours,
                r#" tenant=shop from="vault:kv/OqPt3Vd37My7G8rTb-8Q" "#,
                $kdl
            ),
            ..Case::NEW
        }
    };
}

const CASES: &[Case] = &[
    fetched!(
        "snippets/akeyless-external-secret-json.yaml",
        "database-credentials",
        "database-credentials-json",
        r#"from="vault:kv/database-credentials""#
    ),
    fetched!(
        "snippets/gcpsm-data-from-external-secret.yaml",
        "example",
        "secret-to-be-created",
        r#"from="vault:kv/all-keys-example-secret""#
    ),
    fetched!(
        "snippets/gitlab-external-secret-json.yaml",
        "gitlab-external-secret-example",
        "gitlab-secret-to-create",
        r#"from="vault:kv/myJsonVariable""#
    ),
    fetched!(
        "snippets/dvls-external-secret.yaml",
        "database-credentials",
        "database-secret",
        r#"from="vault:kv/vault-uuid/entry-uuid" refresh="1h" { keys username password }"#
    ),
    fetched!(
        "snippets/dvls-external-secret.yaml",
        "api-credentials",
        "api-secret",
        r#"from="vault:kv/vault-uuid/entry-uuid" refresh="1h""#
    ),
    fetched!(
        "snippets/keepersecurity-external-secret.yaml",
        "example",
        "secret-to-be-created",
        r#"from="vault:kv/OqPt3Vd37My7G8rTb-8Q""#
    ),
    fetched!(
        "provider/volcengine.md",
        "my-app-secret",
        "db-credentials",
        r#"from="vault:kv/my-app/db/credentials" { keys password }"#
    ),
    made!(
        ("regcred", 0),
        "regcred",
        r##"type=registry {
  key username property=login
  key password property=password
  template {
    data {
      ".dockerconfigjson" #"{"auths":{"registry.example.com":{"username":"{{ .username }}","password":"{{ .password }}","auth":"{{(printf "%s:%s" .username .password) | b64enc }}"}}}"#
    }
  }
}"##
    ),
    made!(
        ("config", 0),
        "credentials",
        r#"{
  keys login password
  template { data { username "{{ .login }}"; password "{{ .password }}" } }
}"#
    ),
    made!(
        ("example", 1),
        "secret-to-be-created",
        r#"{
  template { data { username "{{  (fromJson .name).first }} {{  (fromJson .name).middle }} {{  (fromJson .name).last }}" } }
}"#
    ),
    Case {
        project: "external-secrets",
        files: &["docs/snippets/controller-class-store.yaml"],
        same: &[("SecretStore", "controller-custom-example", 0)],
        names: &[
            ("SecretStore", "/metadata/name", "vault-kv"),
            ("SecretStore", "/spec/provider/vault/path", "kv"),
        ],
        unsaid: &[(
            "SecretStore",
            "/spec/controller",
            "there is one controller of this kind",
        )],
        platform: STORE,
        kdl: r#"secret a tenant=shop from="vault:kv/a""#,
        ..Case::NEW
    },
];

#[tokio::test]
async fn examples_of_external_secrets_are_said_in_kdl() {
    assert_eq!(reproduced(&["external-secrets"], CASES).await, 11);
}
