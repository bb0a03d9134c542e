//! Compares the page of errors, docs/errors.md, with the registries of reasons and rules.

use std::fmt::{self, Write as _};

use expect_test::expect_file;
use kefu_chassis::language::Language;
use kefu_chassis::refusal::meaning;
use kefu_gateway::{http_status, own_refusals};
use kefu_proto::labels::{chinese, english};
use kefu_proto::rules::v1::{ErrorReason, FieldRule};
use tonic::Code;

const PREFACE: &str = "# Errors · 错误

Generated from `kefu.rules.v1.ErrorReason` and `kefu.rules.v1.FieldRule` in [proto](../proto/kefu/rules/v1/rules.proto).

A refused call ends with a gRPC status whose details are google.rpc's; over HTTP it is a problem (RFC 9457) with the same words and
the status below ([gateway.md](gateway.md)).
The texts for people are in the language that `accept-language` asks for.

被拒绝的调用以 gRPC 状态结束，其详情采用 google.rpc 的格式；经 HTTP 调用时为内容相同的问题文档（RFC 9457），其状态码见下表。给人看的文字按 `accept-language` 的语言给出。

| detail | what it has · 内容 |
|---|---|
| `google.rpc.ErrorInfo` | `reason`: one of the reasons below; `domain`: `kefu` · 错误原因，见下表 |
| `google.rpc.LocalizedMessage` | the sentence for people · 给人看的说明 |
| `google.rpc.BadRequest` | for each wrong field: `field`, `reason` (a rule below), `description` (English), `localized_message` · 每个有误的字段、所违反的规则和说明 |
| `google.rpc.PreconditionFailure` | the clause, the resource, what is missing · 条款、对象和所缺的条件 |
| `google.rpc.ResourceInfo` | the resource that is missing, stale or in the way · 不存在、已变更或相冲突的对象 |
| `google.rpc.RetryInfo` | when to come back · 何时重试 |

In a problem these are `reason`, `detail`, `violations` (`field`, `rule`, `description`, `message`, or `clause` and `subject` with
`description` and `message`), `resource`, and the header `Retry-After`. `message` is in the reader's language and has the field's
label; `field` is the path in JSON, or a header.

在问题文档中，上述内容依次为 `reason`、`detail`、`violations`（`field`、`rule`、`description`、`message`，或 `clause`、`subject` 及其 `description`、`message`）、`resource`
和响应头 `Retry-After`。`message` 用读者的语言书写并使用字段的名称；`field` 为该字段在 JSON 中的路径，或某一请求头。
";

const OWN: &str = "
## Refusals of the gateway itself · 网关自身的拒绝

What the gateway refuses before a service is asked, or when none answers. Where a field, a header or the body is wrong, `violations`
has it with its rule. A head that is too large (431) and what is no HTTP at all (400) are refused without a body.

网关在调用服务之前，或在服务没有应答时作出的拒绝。字段、请求头或请求内容有误时，`violations` 列出所违反的规则。请求头过大（431）或不是 HTTP 请求（400）时，拒绝不带内容。

| HTTP | reason | rule | says | 说明 |
|---|---|---|---|---|
";

/// What the registry's comment of a reason begins with: the gRPC code.
fn code(comment: &str) -> &str {
    comment.split('.').next().unwrap_or_default()
}

/// The gRPC code of this name.
fn named(name: &str) -> Code {
    let found = (0..17).map(Code::from).find(|code| format!("{code:?}").to_uppercase() == name.replace('_', ""));
    found.unwrap_or_else(|| panic!("{name} is no gRPC code"))
}

fn write_page(page: &mut String) -> fmt::Result {
    page.write_str(PREFACE)?;
    writeln!(
        page,
        "\n## Reasons · 原因\n\n| reason | gRPC | HTTP | meaning | 含义 | what to do | 如何处理 |\n|---|---|---|---|---|---|---|"
    )?;
    let reasons = super::CONTRACTS.get_enum_by_name("kefu.rules.v1.ErrorReason").unwrap();
    for value in reasons.values().filter(|value| value.number() != 0) {
        let reason = ErrorReason::try_from(value.number()).unwrap();
        let text = meaning(reason);
        let comment = super::comment(&reasons.parent_file(), value.path());
        let code = code(comment.trim());
        let (en, zh) = (english().value(&value).unwrap(), chinese().value(&value).unwrap());
        writeln!(
            page,
            "| `{}` | {} | {} | {} | {} | {} | {} |",
            value.name(),
            code,
            http_status(named(code), reason).as_u16(),
            text.of(Language::English),
            text.of(Language::Chinese),
            en.help,
            zh.help
        )?;
    }
    writeln!(
        page,
        "\n## Rules of fields · 字段规则\n\n| rule | meaning | 含义 | what to do | 如何处理 |\n|---|---|---|---|---|"
    )?;
    let rules = kefu_proto::pool().get_enum_by_name("kefu.rules.v1.FieldRule").unwrap();
    for value in rules.values().filter(|value| value.number() != 0) {
        assert!(FieldRule::try_from(value.number()).is_ok());
        let (en, zh) = (english().value(&value).unwrap(), chinese().value(&value).unwrap());
        writeln!(page, "| `{}` | {} | {} | {} | {} |", value.name(), en.label, zh.label, en.help, zh.help)?;
    }
    page.write_str(OWN)?;
    for refusal in own_refusals() {
        let rule = if refusal.rule.is_empty() { String::new() } else { format!("`{}`", refusal.rule) };
        let (reason, status) = (refusal.reason.as_str_name(), refusal.status);
        writeln!(page, "| {status} | `{reason}` | {rule} | {} | {} |", refusal.en, refusal.zh)?;
    }
    Ok(())
}

#[test]
fn the_page_of_errors_is_the_one_generated_from_the_registries() {
    let mut page = String::new();
    write_page(&mut page).unwrap();
    expect_file!["../../docs/errors.md"].assert_eq(&page);
}
