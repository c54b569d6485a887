"use client";
import { Component, type ReactNode } from "react";
import { filled, type Words } from "../words/words.ts";

interface Props {
  readonly words: Words;
  /** What is said, with a place for what went wrong. */
  readonly told: string;
  readonly children: ReactNode;
}

interface State {
  /** What went wrong within; null as long as nothing did. */
  readonly problem: string | null;
}

/**
 * Holds what fails to be shown: the rest of the page, and a score that is open around it, go on.
 * Trying again shows it anew.
 */
export class Boundary extends Component<Props, State> {
  override readonly state: State = { problem: null };

  static getDerivedStateFromError(error: unknown): State {
    return { problem: error instanceof Error ? error.message : String(error) };
  }

  override render(): ReactNode {
    const { words, told, children } = this.props;
    const { problem } = this.state;
    if (problem === null) return children;
    const text = filled(told, { problem });
    return <Failed text={text} words={words} onAgain={() => this.setState({ problem: null })} />;
  }
}

interface FailedProps {
  readonly text: string;
  readonly words: Words;
  readonly onAgain: () => void;
}

/** What stands in the place of something that failed. */
export function Failed({ text, words, onAgain }: FailedProps) {
  return (
    <div className="banner" role="alert" data-testid="failed">
      <span>{text}</span>
      <button type="button" onClick={onAgain}>
        {words.tryAgain}
      </button>
      <button type="button" onClick={() => location.reload()}>
        {words.reload}
      </button>
    </div>
  );
}
