//! What customers say: texts of realistic length and variety, the same for the same number.

/// Words as they are common at a service desk, the commoner the earlier.
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

/// Seeded chance (splitmix64).
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number from 0 to `bound` - 1.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % bound as u64).unwrap_or(0)
    }

    /// A word, the commoner the likelier.
    pub fn word(&mut self) -> &'static str {
        let (one, other) = (self.below(WORDS.len()), self.below(WORDS.len()));
        WORDS[one.min(other)]
    }
}

/// What customer number `turn` says: six to twenty words and a running number.
pub fn description(turn: u64) -> String {
    let mut dice = Dice::new(turn);
    let words: Vec<&str> = (0..6 + dice.below(14)).map(|_| dice.word()).collect();
    format!("{}，编号{:06}", words.concat(), turn % 1_000_000)
}
