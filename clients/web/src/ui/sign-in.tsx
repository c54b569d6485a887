"use client";
import type { FormEvent } from "react";
import { setToken } from "../session/token.ts";
import type { Words } from "../words/words.ts";

interface Props {
  readonly words: Words;
  readonly onToken: () => void;
}

/** Asks for a token, where the server lets nobody in without one. */
export function SignIn({ words, onToken }: Props) {
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    setToken(String(new FormData(event.currentTarget).get("token") ?? ""));
    onToken();
  };
  return (
    <form className="banner" onSubmit={submit} data-testid="sign-in">
      <label>
        {words.signIn}{" "}
        <input name="token" type="password" autoComplete="off" required maxLength={8_192} />
      </label>
      <button type="submit">{words.signInDo}</button>
    </form>
  );
}
