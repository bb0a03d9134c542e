//! Checks that what people read in Chinese calls one thing by one word, that of the glossary, and is written as Chinese is.

use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

/// The words of the glossary, and other words for the same things, which stand nowhere.
const WORDS: [(&str, &[&str]); 17] = [
    ("首问责任人", &["首问人", "首问员工"]),
    ("经办部门", &["受理部门", "承办部门"]),
    ("经办人", &["承办人"]),
    ("拟定人", &["制定人", "起草人"]),
    ("整改措施", &["处理措施"]),
    ("员工目录", &["员工名录", "员工名册", "人员目录", "花名册"]),
    ("系统管理员", &["管理员", "运维"]),
    ("客服专员", &["坐席", "客服人员"]),
    ("操作编号", &["请求编号", "调用编号", "幂等"]),
    ("取消请求", &["客户撤回", "撤回请求"]),
    ("重大事项", &["标记为重大"]),
    ("时限事项", &["义务", "时限任务"]),
    ("逾期", &["超期", "标记超时"]),
    ("接收人", &["收件人"]),
    ("运行日志", &["日志"]),
    ("摘要值", &["哈希", "校验和"]),
    ("回访", &["回电"]),
];

/// Phrases of refusals, and other phrases that say the same, which stand nowhere.
const PHRASES: [(&str, &[&str]); 2] = [("不在可选值之内", &["可选值之一"]), ("仅在…时填写", &["仅适用于", "只适用于"])];

/// Words that stand twice in a row only by mistake.
const DOUBLED: [&str; 8] = ["的的", "须须", "请请", "为为", "在在", "了了", "中中", "是是"];

fn is_han(sign: char) -> bool {
    ('\u{4e00}'..='\u{9fff}').contains(&sign)
}

/// What is wrong with the Chinese of a text.
fn wrong(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (word, others) in WORDS.into_iter().chain(PHRASES) {
        let rest = text.replace(word, "");
        let other = others.iter().filter(|&&other| rest.contains(other));
        found.extend(other.map(|other| format!("“{other}” in place of “{word}”")));
    }
    found.extend(DOUBLED.iter().filter(|&&twice| text.contains(twice)).map(|twice| format!("“{twice}”")));
    let signs: Vec<char> = text.chars().collect();
    let is_foreign =
        |three: &&[char]| is_han(three[0]) && matches!(three[1], ',' | ';' | '?' | '!' | ':') && is_han(three[2]);
    let foreign = signs.windows(3).filter(is_foreign);
    found.extend(foreign.map(|three| format!("“{}” with a sign of English", three.iter().collect::<String>())));
    found
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            files(&entry, found);
        } else {
            found.push(entry);
        }
    }
}

/// The files from which people get their texts.
fn texts() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = Vec::new();
    for folder in ["proto/labels", "docs"] {
        files(&root.join(folder), &mut found);
    }
    for service in fs::read_dir(root.join("services")).unwrap().map(|entry| entry.unwrap().path().join("src")) {
        files(&service, &mut found);
    }
    found.extend(["README.md", "README.zh-CN.md"].map(|file| root.join(file)));
    let read = ["rs", "md", "toml"];
    found.retain(|file| file.extension().is_some_and(|ending| read.iter().any(|read| ending == *read)));
    found.sort();
    found
}

#[test]
fn one_thing_has_one_word_everywhere() {
    let mut problems = Vec::new();
    let mut lines = 0;
    for file in texts() {
        for (number, line) in (1..).zip(fs::read_to_string(&file).unwrap().lines()) {
            if line.contains(is_han) {
                lines += 1;
                let at = format!("{}:{number}", file.display());
                problems.extend(wrong(line).into_iter().map(|what| format!("{at}: {what}")));
            }
        }
    }
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
    assert!(lines > 1_500, "only {lines} lines of Chinese were found");
}

/// Words that begin the English predicate of one field, and words that begin a sentence about the request as a whole.
const BEGINNINGS: [&str; 17] = [
    "is", "must", "has", "stands", "cannot", "holds", "lies", "ends", "says", "excludes", "does", "gives", "names",
    "was", "the", "line", "no",
];

/// The English texts of `wrong!` in a source that do not go on after the label of a field, as in `“Reason” is required`.
fn no_predicates(source: &str) -> Vec<String> {
    let text = Regex::new(r#"wrong!\(\s*\w+(?:\s+under\s+[^,]+)?,\s*"((?:[^"\\]|\\.)*)""#).unwrap();
    let texts = text.captures_iter(source).map(|found| found[1].to_owned());
    texts.filter(|text| !BEGINNINGS.contains(&text.split(' ').next().unwrap_or_default())).collect()
}

#[test]
fn what_is_wrong_with_a_field_goes_on_after_its_label() {
    let odd = r#"wrong!(TooEarly under "A9.1", "your role may record", "早"); wrong!(Form, "are odd", "有误")"#;
    assert_eq!(no_predicates(odd), ["your role may record", "are odd"]);
    let sources = texts().into_iter().filter(|file| file.extension().is_some_and(|ending| ending == "rs"));
    for file in sources.filter(|file| !file.ends_with("tests.rs")) {
        let found = no_predicates(&fs::read_to_string(&file).unwrap());
        assert!(found.is_empty(), "{}: {found:?}", file.display());
    }
}

#[test]
fn the_words_are_those_of_the_glossary() {
    let glossary = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/glossary.md")).unwrap();
    let terms: Vec<&str> = glossary.lines().filter_map(|line| line.split(" | ").nth(1)).collect();
    for (word, _) in WORDS {
        assert!(terms.contains(&word), "{word} is not in the glossary");
    }
    let twice: Vec<&&str> =
        terms.iter().filter(|term| terms.iter().filter(|other| other == term).count() > 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
}

#[test]
fn another_word_or_a_foreign_sign_is_found() {
    assert_eq!(wrong("系统管理员和首问责任人确认操作编号。"), [""; 0]);
    for text in [
        "管理员已确认。",
        "首问人的请求。",
        "该请求编号已使用。",
        "由由部门的的人办理。",
        "已逾期,请办理。",
        "须为可选值之一。",
    ] {
        assert!(!wrong(text).is_empty(), "{text}");
    }
}
