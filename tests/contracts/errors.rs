//! Compares the page of errors, docs/errors.md, with the registries of reasons and rules.

use std::fmt::{self, Write as _};

use expect_test::expect_file;
use kefu_chassis::language::Language;
use kefu_chassis::refusal::meaning;
use kefu_proto::labels::{chinese, english};
use kefu_proto::rules::v1::{ErrorReason, FieldRule};

const PREFACE: &str = "# Errors · 错误

Generated from `kefu.rules.v1.ErrorReason` and `kefu.rules.v1.FieldRule` in [proto](../proto/kefu/rules/v1/rules.proto).

A refused call ends with a gRPC status whose details are google.rpc's; over HTTP it is a problem (RFC 9457) with the same words.
The texts for people are in the language that `accept-language` asks for.

被拒绝的调用以 gRPC 状态结束，其详情采用 google.rpc 的格式；经 HTTP 调用时为内容相同的问题文档（RFC 9457）。给人看的文字按 `accept-language` 的语言给出。

| detail | what it has · 内容 |
|---|---|
| `google.rpc.ErrorInfo` | `reason`: one of the reasons below; `domain`: `kefu` · 错误原因，见下表 |
| `google.rpc.LocalizedMessage` | the sentence for people · 给人看的说明 |
| `google.rpc.BadRequest` | for each wrong field: `field`, `reason` (a rule below), `description` (English), `localized_message` · 每个有误的字段、所违反的规则和说明 |
| `google.rpc.PreconditionFailure` | the clause, the resource, what is missing · 条款、对象和所缺的条件 |
| `google.rpc.ResourceInfo` | the resource that is missing, stale or in the way · 不存在、已变更或相冲突的对象 |
| `google.rpc.RetryInfo` | when to come back · 何时重试 |

In a problem these are `reason`, `detail`, `violations` (`field`, `rule`, `description`, `message`, or `clause` and `subject`),
`resource`, and the header `Retry-After`.
";

/// What the registry's comment of a reason begins with: the gRPC code.
fn code(comment: &str) -> &str {
    comment.split('.').next().unwrap_or_default()
}

fn write_page(page: &mut String) -> fmt::Result {
    page.write_str(PREFACE)?;
    writeln!(
        page,
        "\n## Reasons · 原因\n\n| reason | gRPC | meaning | 含义 | what to do | 如何处理 |\n|---|---|---|---|---|---|"
    )?;
    let reasons = super::CONTRACTS.get_enum_by_name("kefu.rules.v1.ErrorReason").unwrap();
    for value in reasons.values().filter(|value| value.number() != 0) {
        let reason = ErrorReason::try_from(value.number()).unwrap();
        let text = meaning(reason);
        let comment = super::comment(&reasons.parent_file(), value.path());
        let (en, zh) = (english().value(&value).unwrap(), chinese().value(&value).unwrap());
        writeln!(
            page,
            "| `{}` | {} | {} | {} | {} | {} |",
            value.name(),
            code(comment.trim()),
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
    Ok(())
}

#[test]
fn the_page_of_errors_is_the_one_generated_from_the_registries() {
    let mut page = String::new();
    write_page(&mut page).unwrap();
    expect_file!["../../docs/errors.md"].assert_eq(&page);
}
