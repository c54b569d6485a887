import { languageOf } from "../../web/src/words/words.ts";

/** What menus and dialogs say. */
export interface Words {
  readonly file: string;
  readonly list: string;
  readonly newWindow: string;
  readonly open: string;
  readonly save: string;
  readonly saveAs: string;
  readonly openAddress: string;
  readonly copyLink: string;
  readonly edit: string;
  readonly view: string;
  readonly window: string;
  readonly scores: string;
  readonly notAnAddress: string;
  readonly failed: string;
  readonly newServer: string;
  readonly newServerDetail: string;
  readonly connect: string;
  readonly cancel: string;
  readonly unsaved: string;
  readonly leave: string;
  readonly stay: string;
}

const ENGLISH: Words = {
  file: "&File",
  list: "All Scores",
  newWindow: "New Window",
  open: "Open File…",
  save: "Save as MusicXML",
  saveAs: "Save as MusicXML in…",
  openAddress: "Open Address from Clipboard",
  copyLink: "Copy Link to Score",
  edit: "&Edit",
  view: "&View",
  window: "&Window",
  scores: "Scores",
  notAnAddress: "The clipboard holds no address of a score.",
  failed: "That did not work.",
  newServer: "Connect to {server}?",
  newServerDetail: "You have not used this server before. It will see what you write there.",
  connect: "Connect",
  cancel: "Cancel",
  unsaved: "Some edits have not reached the server.",
  leave: "Leave",
  stay: "Stay",
};

const CHINESE: Words = {
  file: "檔案(&F)",
  list: "所有樂譜",
  newWindow: "新視窗",
  open: "開啟檔案…",
  save: "儲存為 MusicXML",
  saveAs: "另存為 MusicXML…",
  openAddress: "開啟剪貼簿中的網址",
  copyLink: "複製樂譜連結",
  edit: "編輯(&E)",
  view: "檢視(&V)",
  window: "視窗(&W)",
  scores: "樂譜",
  notAnAddress: "剪貼簿中沒有樂譜的網址。",
  failed: "操作未成功。",
  newServer: "要連線到 {server} 嗎?",
  newServerDetail: "你尚未使用過這個伺服器。它會看到你在那裡寫下的內容。",
  connect: "連線",
  cancel: "取消",
  unsaved: "部分編輯尚未送達伺服器。",
  leave: "離開",
  stay: "留下",
};

/** Words for a locale such as `zh-TW`, in the language that the editor speaks there. */
export function wordsFor(locale: string): Words {
  return languageOf(null, [locale]) === "zh-Hant" ? CHINESE : ENGLISH;
}
