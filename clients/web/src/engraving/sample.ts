import { meiDocument } from "./mei.ts";

const HEAD = `<scoreDef><staffGrp symbol="bracket" bar.thru="true">
  <staffDef n="1" lines="5"><label>A</label><labelAbbr>A</labelAbbr>
    <clef shape="G" line="2"/><keySig sig="3s"/><meterSig count="4" unit="4"/></staffDef>
  <staffDef n="2" lines="5"><label>B</label><labelAbbr>B</labelAbbr>
    <clef shape="F" line="4"/><keySig sig="3s"/><meterSig count="4" unit="4"/></staffDef>
</staffGrp></scoreDef>`;

/** Rows with a little of all that rows are made of, the usual first. */
export const SAMPLES: readonly string[] = [
  meiDocument(
    HEAD,
    `<measure n="1">
      <staff n="1"><layer n="1">
        <note pname="c" oct="5" dur="4" dots="1"><accid accid.ges="s"/></note><note pname="d" oct="5" dur="8"/>
        <chord dur="4"><note pname="a" oct="4"/><note pname="c" oct="5"/></chord><rest dur="4"/>
      </layer></staff>
      <staff n="2"><layer n="1"><mRest/></layer></staff>
    </measure>`,
  ),
  meiDocument(
    HEAD,
    `<measure n="1">
      <staff n="1"><layer n="1">
        <note pname="c" oct="5" dur="4"><verse n="1"><syl con="d" wordpos="i">la</syl></verse></note>
        <beam><note xml:id="a" pname="e" oct="4" dur="8"/><note pname="f" oct="4" dur="16"><accid accid="n"/></note><note xml:id="b" pname="g" oct="4" dur="16"/></beam>
        <note xml:id="c" pname="a" oct="4" dur="2" artic="stacc"><verse n="1"><syl wordpos="t">la</syl></verse></note>
      </layer><layer n="2"><note pname="e" oct="4" dur="2" stem.dir="down"/><rest dur="2"/></layer></staff>
      <staff n="2"><layer n="1"><mRest/></layer></staff>
      <slur startid="#a" endid="#b"/><tie startid="#c" endid="#d"/><fermata startid="#c" place="above"/>
    </measure>
    <measure n="2" right="end">
      <staff n="1"><layer n="1"><note xml:id="d" pname="a" oct="4" dur="1"/></layer></staff>
      <staff n="2"><layer n="1"><mRest/></layer></staff>
    </measure>`,
  ),
  meiDocument(
    HEAD,
    `<scoreDef><keySig sig="2f"/><meterSig count="3" unit="4"/></scoreDef>
    <measure n="1">
      <staff n="1"><layer n="1"><mRest/></layer></staff>
      <staff n="2"><layer n="1"><tuplet num="3" numbase="2"><note pname="c" oct="3" dur="8"/><note pname="b" oct="2" dur="8"><accid accid="f"/></note><rest dur="8"/></tuplet>
        <clef shape="C" line="4"/><note pname="c" oct="4" dur="2"/></layer></staff>
      <dynam staff="2" tstamp="1">mf</dynam><hairpin form="cres" staff="1" tstamp="1" tstamp2="0m+3"/>
    </measure>`,
  ),
];
