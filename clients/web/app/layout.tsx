import type { Metadata, Viewport } from "next";
import type { ReactNode } from "react";
import "../src/styles/editor.css";

const ICON =
  "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24'>" +
  "<rect width='24' height='24' rx='6' fill='#1550b8'/>" +
  "<ellipse cx='9' cy='17' rx='3.4' ry='2.5' transform='rotate(-20 9 17)' fill='#fff'/>" +
  "<path d='M12.2 16V5.5c1 3 4.6 2.8 3.8 7' fill='none' stroke='#fff' stroke-width='1.6'/></svg>";

export const metadata: Metadata = {
  title: "BandPro",
  description: "Write music together.",
  icons: { icon: `data:image/svg+xml,${encodeURIComponent(ICON)}` },
};
export const viewport: Viewport = {
  width: "device-width",
  initialScale: 1,
  colorScheme: "light dark",
};

export default function Layout({ children }: { children: ReactNode }) {
  return (
    <html lang="en">
      <head>
        <script async src={`${process.env["ENGRAVER"]}start.js`} />
      </head>
      <body>{children}</body>
    </html>
  );
}
