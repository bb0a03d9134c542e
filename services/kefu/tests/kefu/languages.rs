//! The program speaks English, or Chinese to whom the system or `--lang` says so: its help, what it reports, and its errors.

use std::process::Output;

use crate::Home;

const MAP: &str = "
source = 'old desk'
zone = 'Asia/Shanghai'
time_format = '%Y-%m-%d %H:%M'
[fields]
external_id = { column = 'Id' }
channel = { value = 'EMAIL' }
kind = { value = 'FAULT' }
state = { column = 'State', words = { done = 'CLOSED' } }
department = { value = 'desk' }
contact_time = { column = 'Came' }
closed_time = { column = 'Ended' }
";
/// One row is right, one has a word that the map lacks, one ends before it began.
const ROWS: &str = "\
Id,State,Came,Ended
1,done,2018-01-02 09:00,2018-01-02 10:00
2,lost,2018-01-02 09:00,2018-01-02 10:00
3,done,2018-01-02 09:00,2018-01-01 10:00
";
const STAFF: &str = "\
id,number,display_name,department,roles
lin,1,Lin,desk,agent
mei,2,Mei,nowhere-known,boss
";

/// Runs the program in a system whose language is Chinese.
fn chinese(home: &Home, arguments: &[&str]) -> Output {
    home.command(arguments).env_remove("LC_ALL").env_remove("LC_MESSAGES").env("LANG", "zh_CN.UTF-8").output().unwrap()
}

fn both(home: &Home, arguments: &[&str]) -> [String; 2] {
    [home.run(arguments), chinese(home, arguments)]
        .map(|output| String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap())
}

/// Asserts that a command says the first words in English and the second in Chinese.
fn assert_says(home: &Home, arguments: &[&str], english: &[&str], in_chinese: &[&str]) {
    for (told, parts) in both(home, arguments).into_iter().zip([english, in_chinese]) {
        for part in parts {
            assert!(told.contains(part), "{arguments:?} does not say “{part}”:\n{told}");
        }
    }
}

#[test]
fn help_and_what_is_wrong_with_a_call_are_told_in_both_languages() {
    let home = Home::new("words");
    assert_says(&home, &["--help"], &["Usage: kefu", "Start everything"], &["用法：kefu", "启动全部服务", "示例："]);
    assert_says(&home, &["compliance", "--help"], &["What the counts are split by"], &["按什么划分", "默认为 clause"]);
    assert_says(&home, &["compliance", "--by", "hour"], &["none of clause"], &["错误：", "没有「hour」这种分法"]);
    assert_says(
        &home,
        &["compliance", "--clause", "Z9"],
        &["kefu: the rule book has no clause Z9"],
        &["kefu: 没有条款 Z9"],
    );
    let token = |subject, role| ["token", "--subject", subject, "--role", role];
    assert_says(&home, &token("staff/lin", "customer"), &["is for customers/…"], &["只用于 customers/…"]);
    assert_says(&home, &token("staff/lin", "boss"), &["expected one of agent"], &["应为其中之一：agent、"]);
    for arguments in [token("staff/lin", "customer"), token("staff/lin", "boss")] {
        assert_eq!((home.run(&arguments).status.code(), chinese(&home, &arguments).status.code()), (Some(2), Some(2)));
    }
    let [english, chinese] = both(&home, &token("staff/lin", "agent"));
    assert!(english.starts_with("ey") && chinese.starts_with("ey"), "{english}{chinese}");
    assert!(home.text(&["--lang", "zh-CN", "--help"]).contains("用法："), "--lang goes before the system's language");
    assert!(home.text(&["--help", "--lang=zh"]).contains("用法："), "--lang may follow");
    assert_says(
        &home,
        &["import", "staff", "/nowhere.csv"],
        &["/nowhere.csv cannot be read: No such file"],
        &["不能读取 /nowhere.csv：没有这个文件或目录"],
    );
}

#[test]
fn imports_compliance_and_the_journal_are_told_in_both_languages() {
    let home = Home::new("tongues");
    let file = |name: &str, text: &str| {
        let path = home.0.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (staff, rows, map) = (file("staff.csv", STAFF), file("rows.csv", ROWS), file("map.toml", MAP));
    assert_says(&home, &["import", "staff", &staff], &["rejected", "line 3: "], &["未导入", "第3行："]);
    assert_says(
        &home,
        &["import", "requests", &rows, "--map", &map],
        &["1  imported", "line 3 (2): State the map has no word \"lost\"", "closed_time is before contact_time"],
        &["1  此前已导入", "第3行（2）：「State」映射文件中没有「lost」一词", "「关闭时间」早于客户联系时间"],
    );
    assert_says(
        &home,
        &["compliance"],
        &["in time %", "late: Fulfilled after", "Days begin at midnight in Asia/Shanghai"],
        &["按时率", "逾期完成：超过截止时间", "每天自 Asia/Shanghai 时区零时起算"],
    );
    assert_says(
        &home,
        &["journal", "verify"],
        &["nothing is wrong", "none to compare with"],
        &["完好，没有问题", "没有可比对的"],
    );
    assert_says(&home, &["journal", "verify", "--service", "x"], &["there is no service x"], &["没有服务 x；现有："]);
}
