//! The errors of commands in Chinese. Causes that come from the system and from other libraries and that people meet every day
//! are told in Chinese; others stay as they are.

use std::error::Error as StdError;
use std::io::{self, ErrorKind};
use std::num::{IntErrorKind, ParseFloatError, ParseIntError};

use super::Error;
use crate::import::file::ImportError;
use crate::journal::checkpoint::CheckpointError;

/// Tells an error with its causes.
pub fn told(error: &Error) -> String {
    let mut text = sentence(error);
    let mut cause = error.source();
    while let Some(source) = cause {
        let of_cause = of_cause(source);
        // Some libraries repeat their source in their own text.
        if !text.contains(&of_cause) {
            text.push('：');
            text.push_str(&of_cause);
        }
        cause = source.source();
    }
    text
}

/// Tells a cause.
pub fn of_cause(cause: &(dyn StdError + 'static)) -> String {
    of_system(cause).map(str::to_owned).or_else(|| of_library(cause)).unwrap_or_else(|| cause.to_string())
}

/// What is wrong with what a library read: a number, a date, a table of a file.
fn of_library(cause: &(dyn StdError + 'static)) -> Option<String> {
    if let Some(error) = cause.downcast_ref::<ParseIntError>() {
        let told = match error.kind() {
            IntErrorKind::Empty => "没有填写数字",
            IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => "数字超出可用范围",
            _ => "不是整数",
        };
        return Some(told.to_owned());
    }
    if cause.is::<ParseFloatError>() {
        return Some("不是数字".to_owned());
    }
    if cause.is::<jiff::Error>() {
        return Some("不是可以识别的日期、时间或时长".to_owned());
    }
    if let Some(error) = cause.downcast_ref::<toml::de::Error>() {
        return Some(of_toml(error));
    }
    if let Some(error) = cause.downcast_ref::<kefu_regulation::Error>() {
        return Some(of_regulation(error));
    }
    let error = cause.downcast_ref::<csv::Error>()?;
    let line = error.position().map(|position| format!("第 {} 行", position.line())).unwrap_or_default();
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            Some(format!("{line}有 {len} 列，而首行有 {expected_len} 列"))
        }
        csv::ErrorKind::Utf8 { .. } => Some(format!("{line}不是 UTF-8 编码的文本")),
        _ => None,
    }
}

/// What is wrong with a regulation file, and where. What a value may be is quoted as the regulation's own errors say it.
fn of_regulation(error: &kefu_regulation::Error) -> String {
    use kefu_regulation::Error as Refused;
    let at = |line: &kefu_regulation::error::Line| line.0.map(|line| format!("第 {line} 行：")).unwrap_or_default();
    match error {
        Refused::Read { path, .. } => format!("不能读取规章制度文件 {}", path.display()),
        Refused::File { path, .. } => format!("规章制度文件 {} 不能使用", path.display()),
        Refused::Syntax { line, reason } => format!("{}不符合规章制度文件的格式“{reason}”", at(line)),
        Refused::UnknownClause { line, clause } => {
            format!("{}没有条款 {clause}，条款为 A1.1 至 D10.8，日历写在 [calendar] 中", at(line))
        }
        Refused::UnknownParameter { line, clause, parameter, .. } => {
            let standard = kefu_regulation::Regulation::standard();
            let known = standard.clause(clause).map(|clause| clause.parameters.as_slice()).unwrap_or_default();
            let names: Vec<&str> = known.iter().map(|parameter| parameter.name.as_str()).collect();
            let names = if names.is_empty() {
                "该条款没有参数".to_owned()
            } else {
                format!("可用的有 {}", names.join("、"))
            };
            format!("{}条款 {clause} 没有参数 {parameter}，{names}", at(line))
        }
        Refused::Value { line, clause, parameter, reason } => {
            format!("{}条款 {clause} 的参数 {parameter} 取值不能使用“{reason}”", at(line))
        }
        Refused::Calendar { line, key, reason } => {
            format!("{}日历的 {key} 不能使用“{reason}”", at(line))
        }
        Refused::BuiltIn { part, .. } => format!("程序内置的 {part} 有缺陷"),
    }
}

/// Where a file is no TOML, or holds what has no place in it. The library says the place in the first line only.
fn of_toml(error: &toml::de::Error) -> String {
    let text = error.to_string();
    let number = |mark: &str| {
        let digits = text.split_once(mark)?.1.chars().take_while(char::is_ascii_digit).collect::<String>();
        Some(digits).filter(|digits| !digits.is_empty())
    };
    match (number("at line "), number("column ")) {
        (Some(line), Some(column)) => format!("第 {line} 行第 {column} 列不符合 TOML 格式，或为此处没有的内容"),
        _ => "不符合 TOML 格式，或有此处没有的内容".to_owned(),
    }
}

fn of_system(cause: &(dyn StdError + 'static)) -> Option<&'static str> {
    cause.downcast_ref::<io::Error>().and_then(|error| match error.kind() {
        ErrorKind::NotFound => Some("没有这个文件或目录"),
        ErrorKind::PermissionDenied => Some("没有权限"),
        ErrorKind::AlreadyExists => Some("已经存在"),
        ErrorKind::IsADirectory => Some("这是目录，不是文件"),
        ErrorKind::NotADirectory => Some("路径中有一部分不是目录"),
        ErrorKind::StorageFull => Some("磁盘已满"),
        ErrorKind::InvalidData => Some("内容不是 UTF-8 编码的文本"),
        _ => None,
    })
}

/// What was tried, of the participle in English.
fn tried(action: &str) -> &str {
    match action {
        "read" => "读取",
        "written" => "写入",
        "opened" => "打开",
        "made" => "创建",
        "locked" => "锁定",
        "removed" => "删除",
        _ => "使用",
    }
}

fn sentence(error: &Error) -> String {
    match error {
        Error::File { action, path, .. } => format!("不能{} {}", tried(action), path.display()),
        Error::InUse { home, pid } => {
            format!("{} 正由进程 {pid} 使用：请先停止该进程，或用 --home 另选目录", home.display())
        }
        Error::Silent { home, pid } => {
            format!("{} 正由进程 {pid} 使用，而其服务没有应答：请待其结束后再试", home.display())
        }
        Error::Key { path, .. } => format!("密钥 {} 不能使用", path.display()),
        Error::KeyExposed { path } => format!(
            "密钥 {} 可被他人读取，他人可用它签发令牌：请对它执行 chmod 600，或将其删除以生成新的密钥",
            path.display()
        ),
        Error::Random => "系统不能提供随机数".into(),
        Error::Regulation(_) => "规章制度文件不能使用".into(),
        Error::NoClause(clause) => format!("没有条款 {clause}；条款写作 C2.1 这样的形式"),
        Error::NoService { asked, known } => format!("没有服务 {asked}；现有：{known}"),
        Error::Unreachable { service, address, .. } => format!("在 {address} 连接不上服务 {service}"),
        Error::Refused { service, message, .. } => format!("{service} 拒绝：{message}"),
        Error::Import(error) => of_import(error),
        Error::Checkpoint(error) => of_checkpoint(error),
        _ => of_start(error),
    }
}

/// Errors of starting and of what runs beneath.
fn of_start(error: &Error) -> String {
    match error {
        Error::Settings(_) => "环境变量 KEFU_TELEMETRY__… 的设置不能使用".into(),
        Error::Telemetry(_) => "遥测不能启动".into(),
        Error::Postgres(_) => "自带的 PostgreSQL 不能使用".into(),
        Error::Elsewhere(_) => "KEFU_DATABASE_URL 指定的数据库不能使用".into(),
        Error::ElsewhereInUse => {
            "KEFU_DATABASE_URL 指定的数据库正由另一个 kefu 使用：请先停止它，或另给一个数据库".into()
        }
        Error::Encoding(encoding) => format!(
            "KEFU_DATABASE_URL 指定的数据库采用编码 {encoding}；请这样建库：create database kefu template template0 encoding 'UTF8' locale 'C.UTF-8'"
        ),
        Error::EphemeralElsewhere => {
            "--ephemeral 和演示自建数据库，而 KEFU_DATABASE_URL 指定了另一个：请去掉其中之一".into()
        }
        Error::Database(_) => "数据库不能准备就绪".into(),
        Error::Start { schema, .. } => format!("服务 {schema} 不能启动"),
        Error::Taken { schema, address } => {
            format!("服务 {schema} 不能启动：{address} 已被占用，可能是另一个 kefu；请用 --port-base 另选端口")
        }
        Error::Gateway(_) => "网关不能启动".into(),
        Error::HttpTaken(address) => {
            format!("网关不能启动：{address} 已被占用，可能是另一个 kefu；请用 --http-port 另选端口")
        }
        Error::Ended(service) => format!("服务 {service} 已终止，原因见其输出的记录"),
        Error::PostgresEnds { times } => format!("PostgreSQL 连续 {times} 次终止，原因见其记录"),
        Error::DemoRegulation => "演示只按标准的规章制度进行：请去掉 --regulation".into(),
        Error::Scene { code, message } => format!("演示不能继续（{code:?}）：{message}"),
        Error::DemoFailed => "演示未按预期进行，出错之处见上文".into(),
        Error::Runtime(_) => "运行环境不能启动".into(),
        Error::Task(_) => "后台任务失败".into(),
        other => other.to_string(),
    }
}

fn of_import(error: &ImportError) -> String {
    match error {
        ImportError::File { action, path, .. } | ImportError::Csv { action, path, .. } => {
            format!("不能{} {}", tried(action), path.display())
        }
        ImportError::Syntax { path, .. } => format!("映射文件 {} 不能使用", path.display()),
        ImportError::Map { path, file, .. } => format!("映射文件 {} 不能用于 {}", path.display(), file.display()),
        ImportError::Header { path, .. } => format!("{} 的首行没有列名", path.display()),
    }
}

fn of_checkpoint(error: &CheckpointError) -> String {
    match error {
        CheckpointError::File { action, path, .. } => format!("不能{} {} 中的校验点", tried(action), path.display()),
        CheckpointError::Line { path, line, .. } => format!("{} 第 {line} 行不是校验点", path.display()),
        CheckpointError::Signature { path, line } => {
            format!("{} 第 {line} 行不是由本目录的密钥签名的，或已被改动", path.display())
        }
        CheckpointError::NotWhole(service) => format!("{service} 的运行日志不完整，不予签名"),
        CheckpointError::Ephemeral => "临时实例的运行日志随实例结束而删除：请用 --out 另指定文件".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has_han(text: &str) -> bool {
        text.contains(|sign| ('\u{4e00}'..='\u{9fff}').contains(&sign))
    }

    #[test]
    fn what_libraries_say_of_numbers_dates_and_files_is_told_in_chinese() {
        let toml = "a = 1\nb = ".parse::<toml::Table>().unwrap_err();
        let mut reader = csv::Reader::from_reader("a,b\n1\n".as_bytes());
        let csv = reader.records().next().unwrap().unwrap_err();
        let regulation = kefu_regulation::Regulation::load("[Z9.9]\nx = 1").unwrap_err();
        let causes: [&(dyn StdError + 'static); 7] = [
            &"x".parse::<i32>().unwrap_err(),
            &"9999999999".parse::<i32>().unwrap_err(),
            &"x".parse::<f64>().unwrap_err(),
            &"yesterday".parse::<jiff::Timestamp>().unwrap_err(),
            &toml,
            &csv,
            &regulation,
        ];
        for cause in causes {
            let told = of_cause(cause);
            assert!(has_han(&told), "{cause} is told as {told}");
        }
        assert!(of_cause(&toml).contains("第 2 行"), "{}", of_cause(&toml));
    }
}
