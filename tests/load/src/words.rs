//! Texts that customers write, of realistic length and variety; the same number always gives the same text.

use kefu_testkit::Dice;

/// Words that are common at a service desk; the earlier a word, the more often it is used.
const WORDS: [&str; 64] = [
    "打印机",
    "无法",
    "连接",
    "网络",
    "安装",
    "故障",
    "屏幕",
    "师傅",
    "发票",
    "订单",
    "路由器",
    "指示灯",
    "不亮",
    "退货",
    "快递",
    "密码",
    "登录",
    "失败",
    "漏水",
    "空调",
    "温度",
    "异常",
    "噪音",
    "更换",
    "配件",
    "保修",
    "过期",
    "维修",
    "上门",
    "时间",
    "预约",
    "取消",
    "重复",
    "扣费",
    "账户",
    "余额",
    "错误",
    "升级",
    "固件",
    "重启",
    "蓝牙",
    "配对",
    "电池",
    "充电",
    "发热",
    "摄像头",
    "模糊",
    "声音",
    "麦克风",
    "驱动",
    "兼容",
    "系统",
    "死机",
    "蓝屏",
    "数据",
    "丢失",
    "备份",
    "恢复",
    "权限",
    "报表",
    "导出",
    "格式",
    "合同",
    "验收",
];

/// Picks a random word; the earlier in the list, the likelier.
pub fn word(dice: &mut Dice) -> &'static str {
    let (one, other) = (dice.below(WORDS.len() as u64), dice.below(WORDS.len() as u64));
    WORDS[one.min(other) as usize]
}

/// Makes the text for number `turn`: 6 to 19 words and `turn` in six digits.
pub fn description(turn: u64) -> String {
    let mut dice = Dice::new(turn);
    let words: Vec<&str> = (0..6 + dice.below(14)).map(|_| word(&mut dice)).collect();
    format!("{}，编号{:06}", words.concat(), turn % 1_000_000)
}
