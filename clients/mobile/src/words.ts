import {
  type Words as EditorWords,
  wordsOf as editorWords,
  type Language,
} from "../../web/src/words/words.ts";

const EN = {
  back: "Back",
  connect: "Connect",
  following: "Following {name}",
  next: "Next",
  notAnAddress: "That is no address of a server.",
  notReached: "The server was not reached. This is the list as it was last.",
  previous: "Previous",
  server: "Server",
  token: "Token, where the server asks for one",
  you: "Your name",
};

type OwnWords = { readonly [Name in keyof typeof EN]: string };

const ZH: OwnWords = {
  back: "返回",
  connect: "連線",
  following: "跟隨 {name}",
  next: "下一個",
  notAnAddress: "這不是伺服器的網址。",
  notReached: "無法連上伺服器。這是上次的清單。",
  previous: "上一個",
  server: "伺服器",
  token: "權杖(若伺服器要求)",
  you: "你的名字",
};

/** What the application says: the editor's words and some of its own. */
export type Words = EditorWords & OwnWords;

export function wordsOf(language: Language): Words {
  return { ...editorWords(language), ...(language === "en" ? EN : ZH) };
}
