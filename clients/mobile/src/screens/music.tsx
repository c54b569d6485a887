import { memo } from "react";
import { type GestureResponderEvent, Pressable } from "react-native";
import Svg, { Ellipse, G, Line, Path, Text } from "react-native-svg";
import type { Shape, System } from "../drawing/shapes.ts";
import { nearest } from "../drawing/touch.ts";

/** Colours by event; `usual` for all others. */
export interface Ink {
  readonly usual: string;
  readonly of: ReadonlyMap<string, string>;
}

interface Props {
  readonly system: System;
  /** Points of the screen for one unit of the drawing. */
  readonly scale: number;
  readonly ink: Ink;
  readonly label: string;
  readonly onTouch: (id: string) => void;
}

/** One line of music; a touch is of what is nearest to it. */
export const Music = memo(function Music({ system, scale, ink, label, onTouch }: Props) {
  const { width, height, shapes } = system;
  const touch = ({ nativeEvent }: GestureResponderEvent) => {
    const { locationX, locationY } = nativeEvent;
    const target = nearest(system.targets, locationX / scale, locationY / scale);
    if (target) onTouch(target.id);
  };
  return (
    <Pressable accessibilityLabel={label} accessibilityRole="image" onPress={touch}>
      <Svg width={width * scale} height={height * scale} viewBox={`0 0 ${width} ${height}`}>
        {shapes.map((shape, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: shapes have no other name, and no state
          <Drawn key={at} shape={shape} ink={ink} />
        ))}
      </Svg>
    </Pressable>
  );
});

function Drawn({ shape, ink }: { readonly shape: Shape; readonly ink: Ink }) {
  const color = (shape.of === undefined ? undefined : ink.of.get(shape.of)) ?? ink.usual;
  if (shape.kind === "line") {
    const { from, to, width } = shape;
    return (
      <Line x1={from[0]} y1={from[1]} x2={to[0]} y2={to[1]} stroke={color} strokeWidth={width} />
    );
  }
  const [x, y] = shape.at;
  if (shape.kind === "text") {
    const { text, size, isBold } = shape;
    return (
      <Text
        {...{ x, y, fill: color, fontSize: size, textAnchor: "middle" as const }}
        fontWeight={isBold ? "bold" : "normal"}
      >
        {text}
      </Text>
    );
  }
  const scale = shape.scale ?? 1;
  if (shape.kind === "head") {
    const { isOpen } = shape;
    return (
      <G transform={`translate(${x} ${y}) rotate(-20) scale(${scale})`}>
        <Ellipse
          {...{ cx: 0, cy: 0, rx: 6.2, ry: 4.3, stroke: color, strokeWidth: isOpen ? 1.8 : 0 }}
          fill={isOpen ? "none" : color}
        />
      </G>
    );
  }
  const { d, width, isFlipped } = shape;
  return (
    <G transform={`translate(${x} ${y}) scale(${scale} ${isFlipped ? -scale : scale})`}>
      {width === null ? (
        <Path d={d} fill={color} />
      ) : (
        <Path d={d} fill="none" stroke={color} strokeWidth={width} strokeLinecap="round" />
      )}
    </G>
  );
}
