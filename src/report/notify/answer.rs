//! What a service's answer means. Several of them answer 200 and say in the body that they refused. Pure.

use serde_json::Value;

use super::Service;

/// What became of a call that was answered with success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The notice is there.
    Taken,
    /// It is not, because of too many calls.
    Limited,
    /// The service has trouble of its own.
    Busy,
    /// It is refused, with the service's words.
    Refused(String),
    /// It makes no sense.
    Strange,
}

/// What a body means that came with a status of success.
pub fn answer(service: Service, body: &[u8]) -> Answer {
    let value: Option<Value> = serde_json::from_slice(body).ok();
    let code = |key: &str| value.as_ref()?.get(key)?.as_i64();
    let words = |key: &str| {
        let said = value.as_ref().and_then(|value| value.get(key)?.as_str());
        said.unwrap_or_default().to_owned()
    };
    let refused = |code: i64, key: &str| {
        Answer::Refused(format!("{code} {}", words(key)).trim_end().to_owned())
    };
    match service {
        Service::Webhook => Answer::Taken,
        // Letters are not answered by a body.
        Service::Email => Answer::Strange,
        // Slack itself says `ok`; what speaks like it may answer anything, or say that it refused.
        Service::Slack => {
            let no = ["ok", "success"].iter().any(|key| {
                let said = value.as_ref().and_then(|value| value.get(*key));
                said == Some(&Value::Bool(false))
            });
            if no {
                Answer::Refused(words("error"))
            } else {
                Answer::Taken
            }
        }
        Service::Wecom => match code("errcode") {
            Some(0) => Answer::Taken,
            Some(45_009 | 45_033) => Answer::Limited,
            Some(-1) => Answer::Busy,
            Some(code) => refused(code, "errmsg"),
            None => Answer::Strange,
        },
        Service::Dingtalk => match code("errcode") {
            Some(0) => Answer::Taken,
            Some(130_101 | 130_102) => Answer::Limited,
            Some(-1) => Answer::Busy,
            Some(code) => refused(code, "errmsg"),
            None => Answer::Strange,
        },
        // Older ones say `StatusCode` instead.
        Service::Feishu => match code("code").or_else(|| code("StatusCode")) {
            Some(0) => Answer::Taken,
            Some(9_499 | 11_232) => Answer::Limited,
            Some(code) => refused(code, "msg"),
            None => Answer::Strange,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn success_with_an_error_in_it_is_none() {
        let no = |text: &str| Answer::Refused(text.to_owned());
        for (service, body, expected) in [
            (Service::Webhook, "", Answer::Taken),
            (Service::Slack, "ok", Answer::Taken),
            (
                Service::Slack,
                r#"{"ok":false,"error":"no_service"}"#,
                no("no_service"),
            ),
            (
                Service::Slack,
                r#"{"success":false,"error":"no"}"#,
                no("no"),
            ),
            (
                Service::Wecom,
                r#"{"errcode":0,"errmsg":"ok"}"#,
                Answer::Taken,
            ),
            (
                Service::Wecom,
                r#"{"errcode":93000,"errmsg":"invalid webhook url"}"#,
                no("93000 invalid webhook url"),
            ),
            (Service::Wecom, r#"{"errcode":45009}"#, Answer::Limited),
            (Service::Wecom, r#"{"errcode":-1}"#, Answer::Busy),
            (Service::Dingtalk, r#"{"errcode":0}"#, Answer::Taken),
            (
                Service::Dingtalk,
                r#"{"errcode":310000,"errmsg":"sign not match"}"#,
                no("310000 sign not match"),
            ),
            (Service::Dingtalk, r#"{"errcode":130101}"#, Answer::Limited),
            (
                Service::Feishu,
                r#"{"code":0,"msg":"success"}"#,
                Answer::Taken,
            ),
            (Service::Feishu, r#"{"StatusCode":0}"#, Answer::Taken),
            (
                Service::Feishu,
                r#"{"code":19021,"msg":"sign match fail"}"#,
                no("19021 sign match fail"),
            ),
            (Service::Feishu, r#"{"code":9499}"#, Answer::Limited),
            (Service::Feishu, r#"{"code":1}"#, no("1")),
        ] {
            assert_eq!(
                answer(service, body.as_bytes()),
                expected,
                "{service:?} {body}"
            );
        }
    }

    #[test]
    fn what_is_no_answer_of_theirs_is_strange() {
        for service in [Service::Wecom, Service::Dingtalk, Service::Feishu] {
            for strange in [
                "",
                "ok",
                "<html>",
                "[]",
                "{}",
                r#"{"errcode":"0","code":"0"}"#,
            ] {
                let said = answer(service, strange.as_bytes());
                assert_eq!(said, Answer::Strange, "{service:?} {strange}");
            }
        }
    }
}
