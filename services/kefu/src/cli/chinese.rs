//! The help of the command line in Chinese, and what is wrong with its arguments. The English stands beside the commands and
//! arguments themselves.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command};

use crate::error::chinese::of_cause;

/// What each command does, by its words; and for each argument, by its command and id, what it means. An argument of every
/// command stands without a command.
const TEXTS: &[(&str, &str)] = &[
    ("kefu", "由软件执行成文规章制度的客户服务系统：全部服务在一个进程中运行，自带 Postgres。"),
    ("kefu up", "启动全部服务，直到按 Ctrl-C 或收到 SIGTERM；只写 kefu 即是此命令。"),
    ("kefu up ephemeral", "以空数据库启动，结束时删除。"),
    (
        "kefu up demo",
        "启动时已演示过一个工作日（同时采用 --ephemeral）。时钟是演示的时钟：自那天结束的2026年11月24日起，与实际时间同速前进。",
    ),
    ("kefu up port_base", "各服务依次使用其后的端口：intake、complaints、surveys、appraisal、faults。"),
    ("kefu up http_port", "网关的端口，HTTP 与 gRPC 共用（0 表示任选空闲端口）。"),
    (
        "kefu demo",
        "在自建的数据库和时钟上演示一个工作日（内容为英文）：谁做了什么、依据哪一条款、履行得如何。如未按预期进行，退出码为 1。",
    ),
    ("kefu token", "输出用于调用服务的令牌，由本目录的开发密钥签发。"),
    ("kefu token subject", "给谁：staff/…、customers/… 或 services/…。"),
    ("kefu token roles", "担任的角色，如 agent；可以写多个。"),
    ("kefu token ttl", "有效多久，如 30m、12h、7d。"),
    ("kefu import", "导入其他系统的历史数据或员工。"),
    ("kefu import requests", "按映射文件，从 CSV 文件导入请求。"),
    ("kefu import requests file", "CSV 文件，UTF-8 编码，首行为列名。"),
    ("kefu import requests map", "映射文件。"),
    ("kefu import requests rejects", "把未导入的行全部写入此 CSV 文件；无论如何都会显示前 20 行。"),
    ("kefu import staff", "从 CSV 文件把员工和部门导入员工目录。"),
    ("kefu import staff file", "CSV 文件，UTF-8 编码，不超过 16 MiB。"),
    ("kefu import staff create_departments", "文件中尚未登记的部门，按文件所述一并新建。"),
    ("kefu import staff general_manager", "导入后任命总经理：staff/…。"),
    ("kefu compliance", "查看各条款的履行情况。"),
    (
        "kefu compliance by",
        "按什么划分：clause（条款）、department（部门）、person（责任人），以及 day（日）、week（周）、month（月）三者之一，以时限事项开始的时间为准。",
    ),
    ("kefu compliance from", "只统计这一天及以后开始的时限事项。"),
    ("kefu compliance to", "只统计这一天及以前开始的时限事项。"),
    ("kefu compliance clause", "只统计这一条款下的时限事项，如 C2.1。"),
    ("kefu compliance department", "只统计这个部门的，如 departments/desk。"),
    ("kefu compliance person", "只统计这名员工的，如 staff/lin。"),
    ("kefu compliance json", "以 JSON 输出。"),
    ("kefu journal", "证明运行日志未被任何人改动。"),
    ("kefu journal verify", "重新计算每个运行日志的摘要链，并与已签名的校验点比对；如有问题，退出码为 1。"),
    ("kefu journal verify service", "只核查这个服务的，如 intake。"),
    ("kefu journal verify anchor", "用来比对的校验点文件；不写则用本目录的 checkpoints.jsonl（如果有）。"),
    ("kefu journal checkpoint", "把每个运行日志已签名的末尾追加到文件，该文件应保存在数据库所有者不能写入的地方。"),
    ("kefu journal checkpoint service", "只签名这个服务的，如 intake。"),
    ("kefu journal checkpoint out", "追加到哪个文件；不写则为本目录的 checkpoints.jsonl。"),
    ("home", "数据和密钥存放的目录。"),
    ("regulation", "调整条款参数和工作日历的 TOML 文件。"),
    ("database_url", "改用此数据库，不用自带的 Postgres；所用角色须是超级用户。"),
    ("lang", "一切输出所用的语言：zh 为中文，其他为英文；不写则按系统的语言。"),
    ("log", "标准错误输出记录哪些内容，如 info,kefu_chassis=debug。"),
    ("verbose", "记录更多：-v 记录所发生的事，-vv 记录每次调用。"),
    ("help", "显示说明。"),
    ("version", "显示版本。"),
];

/// What stands below the help of a command.
const BELOW: &[(&str, &str)] = &[
    (
        "kefu",
        "\
示例：
  kefu                                             启动全部服务，按 Ctrl-C 停止
  kefu import staff deploy/directory/example.csv --create-departments
  kefu demo                                        演示并核对一个工作日
  kefu token --subject staff/lin --role agent
  kefu import requests requests.csv --map deploy/import/my-la-311.toml
  kefu compliance --by clause,department --from 2018-01-01 --to 2018-01-31
  kefu journal verify

import、compliance 和 journal 使用本目录中正在运行的 kefu；没有则临时启动一个。
设置 KEFU_TELEMETRY__ENDPOINT=http://127.0.0.1:4317 后，追踪和指标发往该处的 OpenTelemetry 收集器。",
    ),
    ("kefu token", "只输出令牌本身：TOKEN=$(kefu token --subject staff/lin --role agent)"),
    (
        "kefu import requests",
        "\
映射文件说明哪一列对应哪一项、时间怎样书写、哪个词表示什么；请复制 deploy/import/my-la-311.toml 后修改，其中的注释逐项说明。
此前已导入的行，按映射文件的 source 和该行的 external_id 识别，因此同一文件可以再次导入。不能读取或被拒绝的行不影响其余各行。",
    ),
    (
        "kefu import staff",
        "\
文件首行为列名，deploy/directory/example.csv 列出了全部列。已登记的员工，与文件不同之处按文件更新，因此同一文件可以再次导入。
有误的行会列出，不影响其余各行。",
    ),
    (
        "kefu journal checkpoint",
        "校验点日后可以证明其前的内容未被改动或截去，前提是它保存在能写数据库的人写不到的地方：请把文件复制到别处，或用 --out 另指定位置。",
    ),
];

fn text(of: &[(&'static str, &'static str)], key: &str) -> Option<&'static str> {
    of.iter().find(|(known, _)| *known == key).map(|(_, text)| *text)
}

/// Turns the help of a command and of those beneath it into Chinese.
pub fn command(mut command: Command) -> Command {
    // Building adds the arguments and the command for help, which are to be in Chinese too.
    command.build();
    localised(command, "kefu")
}

fn localised(command: Command, words: &str) -> Command {
    let names: Vec<String> = command.get_subcommands().map(|each| each.get_name().to_owned()).collect();
    let mut command = names.into_iter().filter(|name| name != "help").fold(command, |command, name| {
        let words = format!("{words} {name}");
        command.mut_subcommand(name, |inner| localised(inner, &words))
    });
    if command.find_subcommand("help").is_some() {
        command = command.mut_subcommand("help", |help| help.about("显示某个命令的说明"));
    }
    let usage = command.render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").replace("[OPTIONS]", "[选项]").replace("COMMAND", "命令");
    let template = template(&command);
    let command = command.mut_args(|argument| explained(argument, words)).override_usage(usage).help_template(template);
    let command = match text(TEXTS, words) {
        Some(about) => command.about(about).long_about(about),
        None => command,
    };
    match text(BELOW, words) {
        Some(below) => command.after_help(below),
        None => command,
    }
}

/// The layout of a command's help: only headings over what it has.
fn template(command: &Command) -> String {
    let mut template = "{about-with-newline}\n用法：{usage}\n".to_owned();
    if command.get_subcommands().next().is_some() {
        template.push_str("\n命令：\n{subcommands}\n");
    }
    if command.get_positionals().next().is_some() {
        template.push_str("\n参数：\n{positionals}\n");
    }
    template + "\n选项：\n{options}{after-help}"
}

/// Explains an argument in Chinese, with its default and the variable of the environment that stands for it.
fn explained(argument: Arg, words: &str) -> Arg {
    let id = argument.get_id().as_str();
    let Some(help) = text(TEXTS, &format!("{words} {id}")).or_else(|| text(TEXTS, id)) else { return argument };
    let mut help = help.to_owned();
    let takes_value = argument.get_action().takes_values();
    let defaults: Vec<_> = argument.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    if takes_value && !defaults.is_empty() {
        help = help + "（默认为 " + &defaults.join(",") + "）";
    }
    if let Some(variable) = argument.get_env() {
        help = help + "（环境变量 " + &variable.to_string_lossy() + "）";
    }
    argument.help(help.clone()).long_help(help).help_heading(None::<&str>).hide_default_value(true).hide_env(true)
}

/// Tells in Chinese what is wrong with the arguments; nothing of what is no mistake, such as help that was asked for.
pub fn usage(error: &clap::Error) -> Option<String> {
    let told = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join("、"),
        _ => String::new(),
    };
    let argument = told(ContextKind::InvalidArg);
    let wrong = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            return None;
        }
        ErrorKind::UnknownArgument => format!("没有参数「{argument}」"),
        ErrorKind::InvalidSubcommand => format!("没有命令「{}」", told(ContextKind::InvalidSubcommand)),
        ErrorKind::MissingRequiredArgument => format!("缺少必需的参数「{argument}」"),
        ErrorKind::MissingSubcommand => "缺少命令".to_owned(),
        ErrorKind::ArgumentConflict => {
            format!("「{argument}」不能与「{}」并用，或重复", told(ContextKind::PriorArg))
        }
        ErrorKind::InvalidValue if told(ContextKind::InvalidValue).is_empty() => format!("「{argument}」缺少取值"),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation if !argument.is_empty() => {
            let value = told(ContextKind::InvalidValue);
            let why = std::error::Error::source(error).and_then(cause);
            let why = why.map(|why| format!("：{why}")).unwrap_or_default();
            format!("「{argument}」的值「{value}」无效{why}")
        }
        ErrorKind::ValueValidation => {
            error.to_string().trim_start_matches("error: ").lines().next().unwrap_or_default().to_owned()
        }
        _ => "参数有误".to_owned(),
    };
    Some(format!("错误：{wrong}\n\n输入「kefu --help --lang zh」查看说明。\n"))
}

/// Tells why a value is not valid; none where that is said in English only, which would not help.
fn cause(source: &(dyn std::error::Error + 'static)) -> Option<String> {
    let told = of_cause(source);
    // clap says this of a number that lies outside of a range.
    if let Some((_, range)) = told.split_once(" is not in ") {
        return Some(format!("不在 {range} 之内"));
    }
    Some(told).filter(|told| told.contains(|sign| ('\u{4e00}'..='\u{9fff}').contains(&sign)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::Cli;

    fn is_han(sign: char) -> bool {
        ('\u{4e00}'..='\u{9fff}').contains(&sign)
    }

    /// Every command with its words.
    fn each(command: &Command, words: &str, visit: &mut impl FnMut(&Command, &str)) {
        visit(command, words);
        for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
            each(inner, &format!("{words} {}", inner.get_name()), visit);
        }
    }

    #[test]
    fn every_command_and_every_argument_is_explained_in_chinese_and_nothing_else_is() {
        let chinese = command(Cli::command());
        let mut used = BTreeSet::new();
        each(&chinese, "kefu", &mut |command, words| {
            assert!(text(TEXTS, words).is_some(), "{words} has no Chinese");
            used.insert(words.to_owned());
            for argument in command.get_arguments() {
                let id = argument.get_id().as_str();
                let own = format!("{words} {id}");
                let key = if text(TEXTS, &own).is_some() { own } else { id.to_owned() };
                assert!(text(TEXTS, &key).is_some(), "{words} {id} has no Chinese");
                assert!(argument.get_help().unwrap().to_string().contains(is_han), "{words} {id}");
                used.insert(key);
            }
            // What stands below in English stands below in Chinese.
            assert_eq!(command.get_after_help().is_some(), text(BELOW, words).is_some(), "{words}");
        });
        let stray: Vec<_> = TEXTS.iter().chain(BELOW).filter(|(key, _)| !used.contains(*key)).collect();
        assert!(stray.is_empty(), "{stray:?}");
    }

    #[test]
    fn no_help_has_a_heading_in_english() {
        each(&command(Cli::command()), "kefu", &mut |command, words| {
            let help = command.clone().render_long_help().to_string();
            for english in ["Usage", "Options", "Commands", "Arguments", "Everywhere", "[default", "[env", "Print"] {
                assert!(!help.contains(english), "{words}: {english}\n{help}");
            }
            assert!(help.contains("用法：kefu") && help.contains("选项："), "{words}\n{help}");
        });
    }

    #[test]
    fn what_is_wrong_is_told_in_chinese() {
        let wrong = |line: &str| {
            let read = command(Cli::command()).try_get_matches_from(line.split_whitespace());
            usage(&read.unwrap_err()).unwrap()
        };
        assert!(wrong("kefu start").starts_with("错误：没有命令「start」"));
        assert!(wrong("kefu --fast").starts_with("错误：没有参数「--fast」"));
        assert!(wrong("kefu token --role agent").starts_with("错误：缺少必需的参数「--subject"));
        assert!(wrong("kefu compliance --by day,week").starts_with("错误：「--by"));
        assert!(wrong("kefu -v --log info").starts_with("错误：「"));
        let asked = command(Cli::command()).try_get_matches_from(["kefu", "--help"]).unwrap_err();
        assert_eq!(usage(&asked), None);
    }
}
